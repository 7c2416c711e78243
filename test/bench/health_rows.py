"""What it costs to ask whether everything is well."""
import json
import statistics
import time

import tree as trees
from control_wire import Control

LOOKS = 200
HEALTH_MS = 5


def looks(tree, request):
    """Milliseconds from the question to the answer, each of them."""
    took = []
    control = Control(tree.run / "control.ipc")
    try:
        for _ in range(LOOKS):
            began = time.perf_counter()
            reply = json.loads(control.ask(request))
            took.append((time.perf_counter() - began) * 1000)
            if reply["ok"] is not True:
                raise RuntimeError(f"no health: {reply}")
    finally:
        control.close()
    return took


def health(bench, name):
    """Every check of a whole tree; beside it a proof with a killed canary."""
    del bench
    tree = trees.Tree()
    try:
        tree.until_whole()
        took = looks(tree, b'{"op":"health"}')
        proofs = looks(tree, b'{"op":"health","args":{"prove":true}}')
    finally:
        tree.close(check=False)
    middle = statistics.median(took)
    return {"name": name, "p50_ms": round(middle, 2),
            "p99_ms": round(sorted(took)[int(LOOKS * 0.99)], 2),
            "proof_p50_ms": round(statistics.median(proofs), 2),
            "holds": middle <= HEALTH_MS}


ROWS = {"health": health}
