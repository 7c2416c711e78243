"""Rows of functions that run in pools of the tree itself."""
import datetime
import json
import os
import pathlib
import re
import signal
import statistics
import time

import tree as trees

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "workers" / "worker_pool" / "examples"

SETTINGS = """\
node: bench
gateway:
  port: 0
  channels:
    - {{topic: "api:*", event: api, require_verified_user_id: false}}
auth: {{mode: none}}
pools: {{list: [{pool}]}}
functions: [{function}]
"""

USER = ({"mfa": {"module": "users", "function": "get_user", "args": []},
         "arg_types": {"user_id": "string"}, "arg_orders": ["user_id"]},
        {"user_id": "u42"}, '"name":"Alice"')

# name → (connections, pipeline, pool, function, arguments, expected, holds)
LOCAL = {
    "local_64x16": (
        64, 16, {"worker_profile": "thread", "pool_size": 1,
                 "threads_per_worker": 16}, *USER, {"calls": 200_000, "ratio": 0.085}),
    "local_process_64x16": (
        64, 16, {"worker_profile": "process", "pool_size": 4}, *USER,
        {"calls": 40_000, "ratio": 0.017}),
    "local_1x1": (
        1, 1, {"worker_profile": "thread", "pool_size": 1,
               "threads_per_worker": 16}, *USER, {"p50": 90, "times": 6}),
    "python_64x16": (
        64, 16,
        {"worker_profile": "process", "pool_size": 2, "adapter": "python",
         "modules": ["text"], "python_path": str(EXAMPLES)},
        {"mfa": {"module": "text", "function": "slugify", "args": []},
         "arg_types": {"title": "string"}, "arg_orders": ["title"]},
        {"title": "Hello World"}, '"hello-world"', {"calls": 15_000, "ratio": 0.0064}),
}


def runner_pids(tree):
    return trees.descendants(tree.child("worker_pool")["pid"])


def load(bench, tree, name, seconds):
    connections, pipeline, _, _, arguments, expected, _ = LOCAL[name]
    cpus = [f"gateway={tree.pid('gateway')}",
            f"pool={tree.pid('worker_pool')}"]
    return bench.load(
        connections, pipeline, url=tree.endpoints()["gateway"], cpu=cpus,
        warmup_ms=300, seconds=seconds, service="local", function="measured",
        args=json.dumps(arguments), expect=expected)


def start(name):
    pool, function = LOCAL[name][2:4]
    # a queue that holds all calls in flight: refusals would count as speed
    pool = {"name": "measured", "max_queue_size": 10_000, **pool}
    function = {"service": "local", "request_type": "measured",
                "nodes": "local", "check_permission": False, "timeout": 5000,
                **function}
    tree = trees.Tree(SETTINGS.format(pool=json.dumps(pool),
                                      function=json.dumps(function)),
                      service=False)
    trees.until(lambda: len(runner_pids(tree)) >= pool["pool_size"], 20,
                "every runner has been started")
    tree.until_whole()
    return tree


def holds(row, wanted):
    """By the figure, or by its share of the echo's in the same run."""
    if row["errors"] or row["wrong"]:
        return False  # refusals are answered faster than calls
    if "p50" in wanted:
        return row["p50_us"] <= max(
            wanted["p50"], wanted["times"] * row["echo_p50_us"])
    return row["calls_per_s"] >= min(
        wanted["calls"], wanted["ratio"] * row["echo_per_s"])


def local(bench, name):
    """Three rounds by turns with the echo, the one in the middle."""
    connections, pipeline, *_, wanted = LOCAL[name]
    seconds = 1.5 if bench.quick else 4
    rounds, echoes = [], []
    tree = start(name)
    try:
        for _ in range(3):
            echoes.append(bench.load_echo(connections, pipeline,
                                          warmup_ms=200, seconds=seconds / 2))
            rounds.append(load(bench, tree, name, seconds))
    finally:
        tree.close(check=False)
    middle = sorted(rounds, key=lambda r: r["calls_per_s"])[1]
    row = {"name": name, "calls_per_s": middle["calls_per_s"],
           "gateway_cpu_us": middle["cpu_us"]["gateway"],
           "pool_cpu_us": middle["cpu_us"]["pool"],
           "p50_us": middle["p50_us"], "p99_us": middle["p99_us"],
           "echo_per_s": statistics.median(
               e["calls_per_s"] for e in echoes),
           "echo_p50_us": statistics.median(e["p50_us"] for e in echoes)}
    for one in rounds:
        for key in ("unanswered", "answered_twice", "unreplied", "wrong",
                    "foreign", "disordered", "errors", "lost", "timeouts"):
            row[key] = row.get(key, 0) + one[key]
    row["holds"] = holds(row, wanted)
    return row


def stamps(tree, pattern):
    """Wall times in seconds of the log's lines that match."""
    times = []
    for line in tree.log().splitlines():
        if re.search(pattern, line):
            stamp = datetime.datetime.fromisoformat(line.split(" ")[0][:-1])
            times.append(stamp.replace(
                tzinfo=datetime.timezone.utc).timestamp())
    return times


def tree_of(pools):
    return trees.Tree(SETTINGS.format(pool=", ".join(map(json.dumps, pools)),
                                      function=""), service=False)


def runner_restart(bench, name):
    """SIGKILL of a runner that has been well, until its next life is ready;
    each of them once, for a second death soon after earns a rest."""
    count = 10 if bench.quick else 40
    took = []
    with tree_of([{"name": "measured", "pool_size": count,
                   "startup_batch_delay_ms": 0}]) as tree:
        trees.until(lambda: len(stamps(tree, " worker_ready ")) == count, 30,
                    "every runner is ready")
        lives = dict(re.findall(
            r"worker_spawned .*worker_id=(\S+) life=1 worker_pid=(\d+)",
            tree.log()))
        for runner, pid in lives.items():
            began = time.time()
            os.kill(int(pid), signal.SIGKILL)
            again = f" worker_ready .*worker_id={runner} life=2 "
            trees.until(lambda: stamps(tree, again), 10, "its next life")
            took.append((stamps(tree, again)[0] - began) * 1000)
    took.sort()
    p50 = statistics.median(took)
    return {"name": name, "kills": count, "p50_ms": round(p50, 2),
            "worst_ms": round(took[-1], 2), "holds": p50 <= 10}


def runners_200(bench, name):
    """From the pools' start until 200 native runners are ready."""
    pools = [{"name": f"p{i}", "pool_size": 100, "startup_batch_size": 100}
             for i in range(2)]
    with tree_of(pools) as tree:
        trees.until(lambda: len(stamps(tree, " worker_ready ")) == 200, 60,
                    "every runner is ready")
        took = stamps(tree, " worker_ready ")[-1] - \
            stamps(tree, " pool_init_started ")[0]
    return {"name": name, "ready_ms": round(took * 1000),
            "holds": took <= 3}


ROWS = {**{name: local for name in LOCAL}, "runner_restart": runner_restart,
        "runners_200": runners_200}
