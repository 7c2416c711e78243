"""Python runners of both profiles under fire: what foreign code in them does,
and what is done to them, ends the calls they had and no other."""
import collections
import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest

from local_tree import LocalTree, function
from tree import ROOT, until

RUNNERS = ROOT / "test" / "runners"
BUILD = ROOT / os.environ.get("BANYAN_BUILD", "build")
SECONDS = 30 if os.environ.get("BANYAN_TEST_FULL") else 4
CALM = ("restarts: 1000, rest_first_ms: 1, rest_cap_ms: 5,"
        " starts_per_second: 0, starts_per_minute: 0")
RULES = "stuck_ms: 500\n  quarantine_ms: 0"
SIZE = {"process": 2, "thread": 1}
FUNCTIONS = {"echo": {"x": "any"}, "crash": {"x": "string"}, "hold": {},
             "loop_for_ever": {}, "fill_memory": {}, "until_cancelled": {},
             "run_once": {"x": "string", "path": "string"}, "turn": {"x": "num"},
             "nap_noted": {"x": "num", "path": "string"}}


def python_functions():
    for name, arguments in FUNCTIONS.items():
        more = {"timeout": 1000} if name == "loop_for_ever" else \
            {"timeout": 20000}
        yield {**function(name, arguments, **more), "service": "python",
               "mfa": {"module": "sample", "function": name, "args": []}}


class PythonTree(LocalTree):
    def __init__(self, profile, **more):
        self.profile = profile
        super().__init__([{
            "name": "default", "worker_profile": profile,
            "pool_size": SIZE[profile], "threads_per_worker": 8,
            "adapter": "python", "modules": ["sample"],
            "python_path": str(RUNNERS), **more}],
            list(python_functions()), RULES, CALM)
        self.until_ready_runners(SIZE[profile])

    def do(self, client, name, **arguments):
        return client.call(
            {"service": "python", "request_type": name, "request_id": "r",
             "args": arguments}, join_ref=client.join_ref)[0]

    def start_call(self, client, name, **arguments):
        client.start_call(
            {"service": "python", "request_type": name, "request_id": name,
             "args": arguments}, join_ref=client.join_ref)

    def begin_nap(self, client, x, path):
        """A call that lasts so many ms and has begun."""
        self.start_call(client, "nap_noted", x=x, path=str(path / "began"))
        until((path / "began").exists, 20, "it runs")

    def settled_runners(self):
        """{name: pid} once all are ready: none is being replaced."""
        def settled():
            found = self.runners()
            return len(found) == SIZE[self.profile] and \
                self.gauge("runners_ready") == len(found) and found
        return until(settled, 20, "all runners are ready")

    def until_new(self, before, seconds=20):
        """Waits until one of the runners has another process; its name."""
        def changed():
            now = self.runners()
            return len(now) == len(before) and next(
                (n for n in now if now[n] != before[n]), None)
        return until(changed, seconds, "a new life")


@pytest.fixture(scope="module", params=sorted(SIZE))
def tree(request):
    with PythonTree(request.param) as shared:
        yield shared


@pytest.fixture()
def client(tree):
    return tree.client()


@pytest.mark.parametrize("how,what", [
    ("segfault", "SIGSEGV"), ("abort", "SIGABRT"), ("SIGBUS", "SIGBUS"),
    ("SIGFPE", "SIGFPE"), ("SIGILL", "SIGILL"), ("SIGKILL", "SIGKILL"),
    ("exit", "left with exit code 3")])
def test_a_crash_in_foreign_code_ends_its_calls_and_is_named(
        tree, client, how, what):
    before = tree.settled_runners()
    got = tree.do(client, "crash", x=how)
    assert got["code"] == "dispatched_unknown", got
    name = tree.until_new(before)
    until(lambda: what in tree.why(name), 10, what)
    assert tree.do(client, "echo", x=1)["result"] == 1
    assert tree.child("worker_pool")["life"] == 1


def test_endless_recursion_in_c_ends_one_runner_or_only_its_call(tree, client):
    got = tree.do(client, "crash", x="stack")
    assert got["code"] in ("dispatched_unknown", "internal"), got
    until(lambda: tree.do(client, "echo", x=1).get("result") == 1, 20,
          "it serves again")


def test_calls_beside_a_crash_are_settled_too(tree, client, tmp_path):
    """Thread profile: they had the same process. Process profile: they end."""
    tree.begin_nap(client, 1500, tmp_path)
    assert tree.do(tree.client(), "crash", x="SIGKILL")["code"] == \
        "dispatched_unknown"
    push = client.hear()
    assert push[4].get("code") == "dispatched_unknown" or \
        push[4].get("result") == 1500, push
    assert (push[4].get("result") == 1500) == (tree.profile == "process")


def test_what_keeps_the_interpreter_is_replaced_as_hung(tree, client):
    before = tree.settled_runners()
    began = time.monotonic()
    got = tree.do(client, "hold")
    took = time.monotonic() - began
    assert got["code"] == "dispatched_unknown", got
    assert took < 15, took  # 2.5 s, on a machine with nothing else to do
    name = tree.until_new(before)
    until(lambda: "hung" in tree.why(name), 10, "it hung")
    assert tree.do(client, "echo", x=1)["result"] == 1


def test_loops_that_never_end_expire_and_their_runner_is_replaced(
        tree, client):
    """With several threads: when no place is left for others."""
    before = tree.settled_runners()
    places = 8 if tree.profile == "thread" else 1
    assert tree.do(client, "loop_for_ever")["code"] == "expired"
    if places > 1:
        assert tree.do(client, "echo", x=1)["result"] == 1
        for _ in range(places - 1):
            tree.start_call(client, "loop_for_ever")
        heard = [client.hear() for _ in range(2 * places - 2)]
        assert [f[4]["code"] for f in heard if f[3] == "api"] == \
            ["expired"] * (places - 1)
    name = tree.until_new(before)
    until(lambda: "deadline" in tree.why(name), 10, "why")
    assert tree.do(client, "echo", x=1)["result"] == 1


def test_a_stopped_runner_is_replaced(tree, client):
    before = tree.settled_runners()
    tree.kill_runner("default/1", signal.SIGSTOP)
    assert tree.until_new(before) == "default/1"
    assert tree.do(client, "echo", x=1)["result"] == 1


def test_a_starved_runner_is_not_a_hung_one(tree, client):
    before = tree.settled_runners()
    for pid in before.values():
        os.setpriority(os.PRIO_PROCESS, pid, 19)
    spinners = [subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"])
                for _ in range(2 * os.cpu_count())]
    try:
        assert tree.do(client, "turn", x=3000)["result"] == 3000
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()
    assert tree.runners() == before
    for pid in before.values():  # the next test has fresh ones
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(tree.runners()) == len(before) and not
          set(tree.runners().values()) & set(before.values()), 20, "new ones")
    until(lambda: tree.do(client, "echo", x=1).get("result") == 1, 20,
          "they serve")


def test_term_from_outside_costs_no_call(tree, client, tmp_path):
    before = tree.settled_runners()
    tree.begin_nap(client, 500, tmp_path)
    for pid in before.values():
        os.kill(pid, signal.SIGTERM)
    assert client.hear()[4]["result"] == 500
    client.hear()  # the reply
    until(lambda: tree.do(client, "echo", x=1).get("result") == 1, 20,
          "it serves again")
    until(lambda: not set(before.values()) & set(tree.runners().values()),
          20, "all are new")


@pytest.mark.parametrize("profile", sorted(SIZE))
def test_memory_at_its_limit_fails_the_call_and_replaces_the_runner(profile):
    with PythonTree(profile, memory_bytes=1 << 30) as tree:
        client = tree.client()
        before = tree.settled_runners()
        got = tree.do(client, "fill_memory")
        # the call's own MemoryError, or the end of a runner that was too slow
        assert got["code"] in ("internal", "dispatched_unknown"), got
        tree.until_new(before)
        until(lambda: tree.do(client, "echo", x=1).get("result") == 1, 20,
              "it serves again")


class Killer(threading.Thread):
    """Ends a runner chosen at random every 100 ms."""

    def __init__(self, tree):
        super().__init__()
        self.tree, self.kills = tree, 0
        self.is_done = threading.Event()

    def run(self):
        while not self.is_done.wait(0.1):
            for pid in random.sample(sorted(self.tree.runners().values()),
                                     len(self.tree.runners()) > 0):
                try:
                    os.kill(pid, signal.SIGKILL)
                    self.kills += 1
                except ProcessLookupError:
                    pass

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_done.set()
        self.join()


def load(tree, seconds):
    done = subprocess.run(
        [str(BUILD / "test/bench/load"), "--url",
         tree.endpoints()["gateway"], "--connections", "16", "--pipeline",
         "8", "--seconds", str(seconds), "--service", "python", "--function",
         "echo", "--args", '{"x":"Alice"}', "--expect", '"Alice"'],
        capture_output=True, text=True, timeout=seconds + 60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_runners_killed_under_load_leave_no_call_unanswered(tree):
    with Killer(tree) as killer:
        ledger = load(tree, SECONDS)
    assert killer.kills > SECONDS
    assert ledger["unanswered"] == ledger["answered_twice"] == 0, ledger
    assert ledger["timeouts"] == ledger["lost"] == ledger["wrong"] == 0, ledger
    assert set(ledger["codes"]) <= {"dispatched_unknown", "unavailable"}
    assert ledger["answers"] > 100
    assert tree.child("worker_pool")["life"] == 1
    tree.until_ready_runners(SIZE[tree.profile])


def run_many(tree, number, path, seen, seconds):
    client = tree.client()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        key = f"{number}-{len(seen)}-{random.getrandbits(32)}"
        got = tree.do(client, "run_once", x=key, path=str(path))
        seen[key] = got["result"] if got["success"] else got["code"]


def test_a_call_that_must_run_once_never_runs_twice(tree, tmp_path):
    path, seen = tmp_path / "ran", {}
    threads = [threading.Thread(target=run_many,
                                args=(tree, i, path, seen, SECONDS))
               for i in range(4)]
    with Killer(tree) as killer:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    ran = collections.Counter(path.read_text().split())
    assert killer.kills > SECONDS and len(seen) > 50
    assert not [key for key, times in ran.items() if times > 1]
    answered = [key for key, what in seen.items() if what == key]
    assert answered and all(ran[key] == 1 for key in answered)
    tree.until_ready_runners(SIZE[tree.profile])
