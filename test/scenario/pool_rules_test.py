"""What the settings of a pool promise, on a whole tree."""
import datetime
import threading

import pytest

from local_tree import LocalTree, function, pool
from tree import until

CALM = "restarts: 1000, rest_first_ms: 1, rest_cap_ms: 5"
MODULE = '''\
import time

HELD = []


def nap(ms):
    time.sleep(ms / 1000)
    return ms


def hold(mb):
    HELD.append(b"x" * (int(mb) << 20))
    return len(HELD)
'''


@pytest.fixture(name="folder")
def python_folder(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "rules.py").write_text(MODULE)
    return tmp_path


def python(folder, **more):
    return {"name": "default", "adapter": "python", "modules": ["rules"],
            "python_path": str(folder), **more}


MORE = [{**function(name, {name[0]: "num"}), "timeout": 20000,
         "mfa": {"module": "rules", "function": name, "args": []}}
        for name in ("nap", "hold")]


def lines(tree, event, **facts):
    return [line for line in tree.log().splitlines() if f" {event} " in line
            and all(f"{k}={v}" in line for k, v in facts.items())]


def when(line):
    return datetime.datetime.fromisoformat(line.split()[0].rstrip("Z"))


def figures(tree):
    return tree.banyan("pools")["pools"][0]


def naps(tree, count, ms):
    """So many calls at once, each of its own client."""
    clients = [tree.client() for _ in range(count)]
    threads = [threading.Thread(target=tree.ask, args=(client, "nap"),
                                kwargs={"n": ms}) for client in clients]
    for thread in threads:
        thread.start()
    return threads


def test_more_runners_than_max_workers_are_not_started_and_that_is_said():
    with LocalTree([pool("default", 5, max_workers=2)]) as tree:
        tree.until_ready_runners(2)
        assert sorted(tree.runners()) == ["default/1", "default/2"]
        said = lines(tree, "pool_warning", pool="default")
        assert len(said) == 2
        assert "5 runners requested, limited to 2 by max_workers" in said[0]
        assert "set max_workers: 5" in said[1]


def test_runners_start_in_batches_with_the_pause_between():
    with LocalTree([pool("default", 4, startup_batch_size=2,
                         startup_batch_delay_ms=600)]) as tree:
        tree.until_ready_runners(4)
        spawned = [when(line) for line in
                   lines(tree, "worker_spawned", pool_name="default")]
        assert len(spawned) == 4
        # a busy machine may start the first ones late, no one early
        began = next(when(line) for line in tree.log().splitlines()
                     if "child=worker_pool" in line)
        assert spawned[2] - began >= datetime.timedelta(milliseconds=600)


@pytest.mark.parametrize("profile, room, more", [
    ("process", 1, {}),
    ("thread", 3, {"threads_per_worker": 3}),
    ("thread", 1, {"threads_per_worker": 3, "capacity_strategy": "profile"}),
])
def test_a_runner_has_as_many_calls_as_its_profile_says(
        folder, profile, room, more):
    with LocalTree([python(folder, pool_size=1, worker_profile=profile,
                           **more)], more=MORE) as tree:
        tree.until_ready_runners(1)
        threads = naps(tree, room + 1, 3000)
        until(lambda: figures(tree)["queued"] == 1, 5, "one waits")
        worker, = tree.banyan("pools", "inspect", "--pool",
                              "default")["workers"]
        assert (worker["load"], worker["capacity"]) == (room, room)
        for thread in threads:
            thread.join()
        after = figures(tree)
        assert after["total_tasks_executed"] == room + 1
        assert (after["errors"], after["queued_total"]) == (0, 1)


def test_a_runner_that_holds_too_much_is_replaced_and_counted(folder):
    rules = "lifecycle: {check_interval_ms: 100}"
    with LocalTree([python(folder, pool_size=1, memory_threshold_mb=150,
                           min_ready=0)],
                   more=MORE, rules=rules, supervisor=CALM) as tree:
        tree.until_ready_runners(1)
        pid = tree.runners()["default/1"]
        assert tree.ask(tree.client(), "hold", h=200)["result"] == 1
        tree.until_replaced("default/1", pid, 10)
        said, = lines(tree, "worker_recycled", reason="memory_threshold",
                      worker_id="default/1")
        assert "memory_threshold_mb=150" in said
        until(lambda: figures(tree)["workers"] == 1, 5, "full size again")
        report = tree.banyan("pools", "inspect")
        assert report["default"]["memory_recycles"] == 1
        assert tree.banyan("pools", "lifecycle")[
            "memory_recycles_by_pool"] == {"default": 1}


def test_a_strict_session_waits_for_its_own_runner(folder):
    with LocalTree([python(folder, pool_size=2, affinity="strict_queue")],
                   more=MORE) as tree:
        tree.until_ready_runners(2)
        client = tree.client()
        for number in range(2):  # both of one session
            client.start_call({"service": "local", "request_type": "nap",
                               "request_id": f"n{number}",
                               "args": {"n": 3000}},
                              join_ref=client.join_ref)
        until(lambda: figures(tree)["queued"] == 1, 5, "one waits")
        now = figures(tree)
        assert (now["busy"], now["available"]) == (1, 1)
        until(lambda: figures(tree)["total_tasks_executed"] == 2, 10,
              "both have run")


def test_heartbeats_are_counted():
    with LocalTree() as tree:
        tree.until_ready_runners(2)
        before = tree.gauge("pings") or 0
        until(lambda: tree.gauge("pings") > before + 2, 10,
              "runners are asked")


def test_async_and_stream_calls_have_pools_of_their_own():
    pools = [pool("async_pool", 2, max_queue_size=3),
             pool("stream_pool", 1, max_queue_size=5)]
    with LocalTree(pools) as tree:
        tree.until_ready_runners(3)
        assert tree.ask(tree.client(), "who")["result"].startswith(
            "async_pool/")
        done = tree.run_banyan("call", "local", "parts", '{"x": 5}')
        assert done.stdout.split() == list("01234")
        counted = {p["name"]: p["requests"]
                   for p in tree.banyan("pools")["pools"]}
        assert counted == {"async_pool": 1, "stream_pool": 1}


def test_ten_crashes_in_a_minute_are_told_by_the_health():
    with LocalTree([pool("default", 2)], supervisor=CALM,
                   rules="crash_unhealthy: 4") as tree:
        tree.until_ready_runners(2)
        assert tree.banyan("health")["status"] == "ok"
        for _ in range(4):
            pid = tree.kill_runner("default/1")
            tree.until_replaced("default/1", pid)

        def check():
            told = tree.banyan("health", code=None)
            return told["checks"]["banyan"]["checks"]["worker_pool"]
        until(lambda: check().get("reason") == "workers_crash", 5,
              "the health has it")
        assert check()["status"] == "error"
        assert tree.run_banyan("health").returncode == 2
        assert tree.ask(tree.client(), "echo", x=1)["result"] == 1
        died = lines(tree, "worker_died", worker_id="default/1")
        assert len(died) == 4 and "SIGKILL" in died[0]
