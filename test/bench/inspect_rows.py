"""What it costs to look at a pool of a hundred runners."""
import json
import statistics
import time

import local_rows
import tree as trees
from control_wire import Control

RUNNERS = 100
LOOKS = 40
STATISTICS_MS = 5
MEMORY_MS = 10
POOL = {"name": "measured", "pool_size": RUNNERS, "startup_batch_size": 50,
        "startup_batch_delay_ms": 10}


def looks(tree, args):
    """Milliseconds from the question to the answer, the middle one."""
    request = json.dumps({"op": "pools.inspect", "args": args}).encode()
    took = []
    for _ in range(LOOKS):
        control = Control(tree.run / "control.ipc")
        try:
            began = time.perf_counter()
            reply = json.loads(control.ask(request))
            took.append((time.perf_counter() - began) * 1000)
        finally:
            control.close()
        if len(reply["result"]["measured"]["workers"]) != RUNNERS:
            raise RuntimeError("not every runner was looked at")
    return statistics.median(took)


def inspect(bench, name):
    """Through control, so that two hops are in it, too."""
    del bench
    tree = trees.Tree(local_rows.SETTINGS.format(
        pool=json.dumps(POOL), function=""), service=False)
    try:
        trees.until(lambda: tree.banyan("pools")["pools"][0]["available"]
                    == RUNNERS, 60, "every runner is ready")
        stats_ms = looks(tree, {})
        memory_ms = looks(tree, {"full": True})
    finally:
        tree.close(check=False)
    return {"name": name, "runners": RUNNERS,
            "statistics_ms": round(stats_ms, 2),
            "memory_ms": round(memory_ms, 2),
            "holds": stats_ms <= STATISTICS_MS and memory_ms <= MEMORY_MS}


ROWS = {"inspect_100": inspect}
