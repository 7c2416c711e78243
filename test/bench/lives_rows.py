"""What a death costs: of a worker, of the supervisor, and a whole start."""
import socket
import subprocess
import threading
import time

import tree as trees


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def lives(bench, target, number, times, pause_ms):
    done = subprocess.run(
        [str(bench.programs / "lives"), str(bench.tree.daemon.pid), target,
         number, str(times), str(pause_ms)], capture_output=True, text=True,
        timeout=300, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"lives: {done.stderr.strip()}")
    return [int(line) / 1000 for line in done.stdout.split()]


def restart(bench, name):
    """SIGKILL of each role in turn, against a bare fork and exec."""
    times = 10 if bench.quick else 40
    done = subprocess.run([str(bench.programs / "spawn_yardstick"), "50"],
                          capture_output=True, text=True, check=True)
    bare = quantile([int(l) / 1000 for l in done.stdout.split()], 0.5)
    roles, all_ms = {}, []
    for role in sorted({c["role"] for c in bench.tree.children()}):
        if role in ("guard", "supervisor"):
            continue
        took = lives(bench, role, "KILL", times, 60)
        roles[role] = {"p50_ms": round(quantile(took, 0.5), 2),
                       "p99_ms": round(quantile(took, 0.99), 2)}
        all_ms += took
    bench.tree.until_linked()
    p50, p99 = quantile(all_ms, 0.5), quantile(all_ms, 0.99)
    return {"name": name, "kills": len(all_ms), "p50_ms": round(p50, 2),
            "p99_ms": round(p99, 2), "bare_p50_ms": round(bare, 2),
            "roles": roles,
            "holds": (p50 <= 5 and p99 <= 50) or p50 <= 5 * bare}


class Doorbell(threading.Thread):
    """Connects to the port all the time and counts how often it is shut."""

    def __init__(self, port):
        super().__init__()
        self.port = port
        self.tries = self.refused = 0
        self.is_done = threading.Event()

    def run(self):
        while not self.is_done.wait(0.005):
            self.tries += 1
            try:
                socket.create_connection(("127.0.0.1", self.port), 2).close()
            except OSError:
                self.refused += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_done.set()
        self.join()


def supervisor_kill(bench, name):
    with Doorbell(bench.tree.gateway_port()) as bell:
        took = lives(bench, "supervisor", "KILL", 3 if bench.quick else 10,
                     300)
    bench.tree.until_linked()
    return {"name": name, "kills": len(took),
            "p50_ms": round(quantile(took, 0.5), 1),
            "worst_ms": round(max(took), 1), "connects": bell.tries,
            "refused": bell.refused,
            "holds": max(took) <= 500 and bell.refused == 0}


def hang(bench, name):
    took = lives(bench, "gateway", "STOP", 1 if bench.quick else 3, 200)
    bench.tree.until_linked()
    return {"name": name, "stops": len(took),
            "worst_ms": round(max(took), 1), "holds": max(took) <= 2500}


def cold_start(bench, name):
    """From exec of banyand to `ready`, in a tree of its own."""
    took = []
    for _ in range(3 if bench.quick else 10):
        tree = trees.Tree(trees.SETTINGS, service=False, start=False)
        began = time.monotonic()
        tree.spawn()
        while not (tree.run / "endpoints.json").exists():
            if tree.daemon.poll() is not None or \
                    time.monotonic() - began > 10:
                tree.close(check=False)
                raise RuntimeError("banyand did not start\n" + tree.log())
            time.sleep(0.0005)
        took.append((time.monotonic() - began) * 1000)
        tree.close(check=False)
    p50 = quantile(took, 0.5)
    return {"name": name, "starts": len(took), "p50_ms": round(p50, 1),
            "worst_ms": round(max(took), 1), "holds": p50 <= 150}


ROWS = {"restart": restart, "supervisor_kill": supervisor_kill, "hang": hang,
        "cold_start": cold_start}
