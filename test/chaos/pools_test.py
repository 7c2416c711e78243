"""Pools of runners under load, while their runners are killed, stopped and
starved: every call is answered, and none that must run once runs twice."""
import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "scenario"))
from local_tree import LocalTree, function, pool  # noqa: E402
from tree import ROOT, stat_of, until  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BANYAN_BUILD", ROOT / "build"))
LOAD = BUILD / "test/bench/load"
FULL = bool(os.environ.get("BANYAN_TEST_FULL"))
SECONDS = 60 if FULL else 4
# deaths by the dozen are the test's doing: they neither rest nor exhaust
CALM = "restarts: 1000, rest_first_ms: 1, rest_cap_ms: 5"
GET_USER = {**function("get_user", {"user_id": "string"}), "mfa": {
    "module": "users", "function": "get_user", "args": []}}


def native(profile, size, **more):
    return {"name": "default", "worker_profile": profile, "pool_size": size,
            "adapter": "native", "max_queue_size": 5000,
            "startup_batch_delay_ms": 0, **more}


class Killer(threading.Thread):
    """Ends a runner chosen at random every 100 ms."""

    def __init__(self, tree, number=signal.SIGKILL, pause=0.1):
        super().__init__()
        self.tree, self.number, self.pause = tree, number, pause
        self.kills = 0
        self.is_done = threading.Event()

    def run(self):
        while not self.is_done.wait(self.pause):
            runners = list(self.tree.runners().values())
            if not runners:
                continue
            try:
                os.kill(random.choice(runners), self.number)
                self.kills += 1
            except ProcessLookupError:
                pass

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_done.set()
        self.join()


def load(tree, seconds, *more):
    done = subprocess.run(
        [str(LOAD), "--url", tree.endpoints()["gateway"], "--connections",
         "16", "--pipeline", "8", "--seconds", str(seconds), "--service",
         "local", "--function", "get_user", "--args", '{"user_id":"u42"}', "--expect", "Alice",
         *more], capture_output=True, text=True, timeout=seconds + 60,
        check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def begin_long_call(tree, client):
    """A call that a runner has begun, and will not end by itself."""
    note = tree.notes / "held"
    note.unlink(missing_ok=True)
    client.start_call(
        {"service": "local", "request_type": "hold", "request_id": "r",
         "args": {}}, join_ref=client.join_ref)
    until(note.exists, 10, "it runs")


@pytest.mark.parametrize("profile,size", [("process", 4), ("thread", 3)])
def test_runners_killed_ten_a_second_leave_no_call_unanswered(profile, size):
    more = {"threads_per_worker": 4} if profile == "thread" else {}
    with LocalTree([native(profile, size, **more)], [GET_USER],
                   supervisor=CALM) as tree:
        tree.until_ready_runners(size)
        with Killer(tree) as killer:
            ledger = load(tree, SECONDS)
        assert killer.kills > SECONDS
        assert ledger["unanswered"] == ledger["answered_twice"] == 0
        assert ledger["timeouts"] == ledger["lost"] == 0, ledger
        assert ledger["wrong"] == 0 and ledger["answers"] > 1000, ledger
        assert set(ledger["codes"]) <= {"dispatched_unknown", "unavailable"}
        assert tree.child("worker_pool")["life"] == 1
        tree.until_ready_runners(size)


def test_a_call_in_flight_is_settled_with_its_class_when_its_runner_dies():
    with LocalTree([pool(size=1)], supervisor=CALM,
                   hold={"timeout": 60000}) as tree:
        client = tree.client()
        took = []
        for _ in range(20 if FULL else 6):
            tree.until_ready_runners(1)
            begin_long_call(tree, client)
            began = time.monotonic()
            tree.kill_runner("default/1")
            push = client.hear()
            took.append(time.monotonic() - began)
            assert push[4]["code"] == "dispatched_unknown", push
            client.hear()  # the reply
        # a busy machine may delay one, not all
        assert sorted(took)[len(took) // 2] <= 0.1, took


def calls_that_count(tree, name, seen, seconds):
    client = tree.client()
    until_s = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until_s:
        key = f"{name}-{number}"
        number += 1
        got = tree.ask(client, "count_slow", x=key)
        seen[key] = got["result"] if got["success"] else got["code"]


def test_a_call_that_must_run_once_never_runs_twice():
    barrier = {"enabled": True, "retry": "always", "max_restarts": 3,
               "backoff_ms": [1]}
    with LocalTree([pool(size=4, crash_barrier=barrier)],
                   supervisor=CALM) as tree:
        tree.until_ready_runners(4)
        seen = {}
        threads = [threading.Thread(target=calls_that_count,
                                    args=(tree, i, seen, SECONDS))
                   for i in range(6)]
        with Killer(tree) as killer:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        ran = collections.Counter(
            (tree.notes / "count").read_text().split())
        assert killer.kills > SECONDS and len(seen) > 50
        assert not [key for key, times in ran.items() if times > 1]
        answered = [k for k, what in seen.items() if what == k]
        assert all(ran[key] == 1 for key in answered) and answered
        assert set(seen.values()) - set(seen) <= {
            "dispatched_unknown", "unavailable", "expired"}


@pytest.mark.parametrize("adapter", ["native", "program"])
def test_a_stopped_runner_is_replaced_in_two_and_a_half_seconds(adapter):
    pools = [native("process", 2)] if adapter == "native" else [pool()]
    with LocalTree(pools, [GET_USER], supervisor=CALM) as tree:
        tree.until_ready_runners(2)
        took = []
        for _ in range(3):
            before = tree.gauge("deaths_hung")
            began = time.monotonic()
            pid = tree.kill_runner("default/1", signal.SIGSTOP)
            tree.until_replaced("default/1", pid, 10)
            took.append(time.monotonic() - began)
            tree.until_ready_runners(2)
            assert tree.gauge("deaths_hung") == before + 1
        assert min(took) <= 2.5, took
        assert "hung and was ended by SIGKILL" in tree.why("default/1")


def test_a_runner_that_is_stopped_at_work_is_replaced_too():
    with LocalTree([pool(size=1)], supervisor=CALM,
                   hold={"timeout": 60000}) as tree:
        tree.until_ready_runners(1)
        client = tree.client()
        begin_long_call(tree, client)
        pid = tree.kill_runner("default/1", signal.SIGSTOP)
        assert client.hear()[4]["code"] == "dispatched_unknown"
        tree.until_replaced("default/1", pid, 10)


def test_a_busy_runner_is_not_a_hung_one():
    with LocalTree([pool(size=1)], supervisor=CALM,
                   spin={"timeout": 20000}) as tree:
        tree.until_ready_runners(1)
        client = tree.client()
        pid = tree.runners()["default/1"]
        os.setpriority(os.PRIO_PROCESS, pid, 19)
        spinners = [subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"])
                    for _ in range(2 * os.cpu_count())]
        try:
            assert tree.ask(client, "spin", x=3000)["result"] == 3000
        finally:
            for spinner in spinners:
                spinner.kill()
                spinner.wait()
        assert tree.runners()["default/1"] == pid


def test_twenty_runners_that_exit_all_the_time_starve_nobody():
    with LocalTree([pool("storm", 20, ["storm"]), native(
            "process", 2, name="good")],
            [{**GET_USER, "pool": "good"}], supervisor="restarts: 1000, "
            "rest_first_ms: 1, rest_cap_ms: 1, starts_per_second: 0, "
            "starts_per_minute: 0") as tree:
        until(lambda: tree.gauge("deaths") > 20, 20, "the storm is there")
        ledger = load(tree, SECONDS)
        assert ledger["errors"] == ledger["unanswered"] == 0, ledger
        assert tree.child("gateway/1")["life"] == 1
        assert tree.child("worker_pool")["life"] == 1
        starts = tree.log().count("worker_spawned pool_name=storm")
        # who dies less starts first
        pid = tree.kill_runner("good/2")
        tree.until_replaced("good/2", pid, 10)
        # 100 at once, 100 a second: never the 200 a second they would take
        assert starts <= 1400, starts


def test_runners_die_with_their_pool_and_calls_are_settled():
    with LocalTree([pool()], supervisor=CALM,
                   hold={"timeout": 60000}) as tree:
        tree.until_ready_runners(2)
        client = tree.client()
        begin_long_call(tree, client)
        runners = tree.runners()
        life = tree.child("worker_pool")["life"]
        tree.kill("worker_pool")
        assert client.hear()[4]["code"] == "dispatched_unknown"
        client.hear()
        until(lambda: not any(stat_of(p) for p in runners.values()), 5,
              "they are gone")
        while not (got := tree.ask(client, "echo", x=1))["success"]:
            # between two lives: try again
            assert got["code"] in ("unavailable", "dispatched_unknown"), got
            assert got["can_retry"] or got["code"] != "unavailable"
        tree.until("worker_pool", life=life + 1, state="up")


def test_two_hundred_native_runners_are_ready_in_seconds():
    with LocalTree([native("process", 150, startup_batch_size=150),
                    native("process", 50, name="more",
                           startup_batch_size=50)], [GET_USER]) as tree:
        until(lambda: tree.log().count(" worker_ready ") == 200, 30,
              "all of them")
        assert load(tree, 1)["errors"] == 0
