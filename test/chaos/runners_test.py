"""A zoo of runners that misbehave, beside a good pool that must not notice.

test/runners/evil.py has the animals; each is a pool of its own in one tree.
Whatever one does is one sentence in `banyan why`, costs its own calls and
nothing else: worker_pool and the good pool live on.
"""
import os
import pathlib
import subprocess

import pytest

from local_tree import LocalTree, function
from tree import until

RUNNERS = pathlib.Path(__file__).resolve().parent.parent / "runners"
EVIL = RUNNERS / "evil.py"
CALM = ("restarts: 1000, rest_first_ms: 1, rest_cap_ms: 200,"
        " starts_per_second: 0, starts_per_minute: 0")
LOST = {"dispatched_unknown"}
UNREADY = {"unavailable", "dispatched_unknown"}

# at the start: name → what `banyan why` says
AT_START = {
    "dies_at_once": "left with exit code 1",
    "is_killed_at_once": "was ended by SIGSEGV",
    "exits_after_hello": "left with exit code 0",
    "never_says_hello": "did not say READY in time",
    "stops_before_hello": "hung and was ended by SIGKILL",
    "speaks_garbage_at_once": "did not begin with a good HELLO",
    "says_another_version": "did not begin with a good HELLO",
    "answers_before_hello": "did not begin with a good HELLO",
}
# when called and it costs the runner: name → (what the caller hears, why)
DEADLY = {
    "speaks_garbage": (LOST, "sent bytes that are no frame"),
    "sends_a_huge_length": (LOST, "sent a frame longer than max_bytes"),
    "answers_twice": ({"one"}, "answered a call twice"),
    "answers_unknown": (LOST, "answered a call it was never given"),
    "says_hello_twice": (LOST, "not a runner's to send then"),
    "pongs_unasked": (LOST, "not a runner's to send then"),
    "orders_the_pool": (LOST, "not a runner's to send then"),
    "dies": (LOST, "SIGKILL"),
    "exits": (LOST, "left with exit code 3"),
    "half_dead": ({"expired"}, "did not come back after their deadlines"),
    "loops_for_ever": (LOST | {"expired"}, ""),
    "sleeps_for_ever": (LOST | {"expired"}, ""),
    "stops_itself": (LOST | {"expired"}, ""),
    "closes_descriptor_3": (LOST, "closed its socket and went on running"),
    "forks_children": (LOST, "SIGKILL"),
    "stops_in_a_frame": (LOST | {"expired"}, ""),
}
# when called and it costs at most the call: name → what the caller hears
HARMLESS = {
    "answers_late": {"expired"},
    "eats_memory": None,
    "prints_for_ever": {"printed"},
    "prints_control_bytes": {"printed"},
    "nests_too_deep": {"bad_result"},
    "sends_byte_by_byte": {"slow but right"},
    "ignores_being_asked_to_stop": {"stubborn"},
}
STREAMS = {
    "floods_chunks": "went on sending chunks of a call that was cancelled",
    "overdraws_once": None,
    "skips_a_chunk": "sent chunks out of order",
}
# what only ends with its call's deadline has a short one; nobody else may run
# into his on a machine that is busy
SHORT_MS, LONG_MS = 1000, 5000
SLOW = {"answers_late", "half_dead"}
CALLED = [*DEADLY, *HARMLESS, *STREAMS, "asks_to_be_replaced"]


def evil_pool(name):
    return {"name": name, "worker_profile": "process", "pool_size": 1,
            "adapter": "program", "memory_bytes": 160 << 20,
            "program": ["/usr/bin/python3", str(EVIL), name]}


def good_pool():
    return {"name": "good", "worker_profile": "process", "pool_size": 2,
            "adapter": "python", "modules": ["sample"],
            "python_path": str(RUNNERS)}


def in_pool(name, what, **more):
    arguments = {"x": "any"} if what == "echo" else {}
    # a module for each: what kills one pool is not quarantined in another
    return function(what, arguments, request_type=f"{what}_{name}",
                    pool=name, timeout=SHORT_MS if name in SLOW else LONG_MS,
                    mfa={
                        "module": name, "function": what, "args": []}, **more)


def zoo_functions():
    for name in CALLED:
        yield in_pool(name, "echo")
        yield in_pool(name, "evil", response_type="stream"
                      if name in STREAMS else "sync")
    yield {**function("echo", {"x": "any"}), "service": "good",
           "pool": "good", "mfa": {"module": "sample", "function": "echo",
                                   "args": []}}


class Zoo(LocalTree):
    def __init__(self, names, startup_ms=30000):
        super().__init__(
            [good_pool(), *map(evil_pool, names)], list(zoo_functions()),
            f"startup_timeout_ms: {startup_ms}\n  stuck_ms: 5000\n"
            "  graceful_timeout_ms: 500\n  stop_timeout_ms: 500", CALM)
        good = 2 + sum(name in CALLED for name in names)
        until(lambda: self.gauge("runners_ready") >= good, 60,
              "the zoo is there")
        self.keepers = self.pool_pid(), [
            self.runners()[f"good/{n}"] for n in (1, 2)]

    def ask_good(self, client):
        return client.call(
            {"service": "good", "request_type": "echo", "request_id": "g",
             "args": {"x": "fine"}}, join_ref=client.join_ref)[0]

    def nobody_noticed(self, client):
        assert self.ask_good(client)["result"] == "fine"
        assert self.keepers == (self.pool_pid(), [
            self.runners()[f"good/{n}"] for n in (1, 2)])


@pytest.fixture(scope="module")
def zoo():
    with Zoo(CALLED) as tree:
        yield tree


@pytest.fixture(scope="module")
def nursery():
    with Zoo(AT_START, startup_ms=3000) as tree:
        yield tree


@pytest.fixture()
def client(zoo):
    return zoo.client()


def heard(answer):
    return answer["result"] if answer["success"] else answer["code"]


def test_every_evil_runner_is_in_the_zoo():
    listed = subprocess.run(
        ["/usr/bin/python3", str(EVIL), "list"], capture_output=True,
        text=True, check=True).stdout
    assert {line.split()[0] for line in listed.splitlines()} == {
        *AT_START, *CALLED}


@pytest.mark.parametrize("name", AT_START)
def test_one_that_is_no_runner_is_named_by_why(nursery, name):
    until(lambda: AT_START[name] in nursery.why(f"{name}/1"), 20,
          AT_START[name])
    nursery.nobody_noticed(nursery.client())


@pytest.mark.parametrize("name", DEADLY)
def test_one_that_misbehaves_loses_its_life_and_its_call(zoo, client, name):
    expected, why = DEADLY[name]
    pid = zoo.runners()[f"{name}/1"]
    assert heard(zoo.ask(client, f"evil_{name}")) in expected
    zoo.nobody_noticed(client)
    zoo.until_replaced(f"{name}/1", pid, 20)
    until(lambda: why in zoo.why(f"{name}/1"), 10, why)
    until(lambda: zoo.ask(client, f"echo_{name}", x=7).get("result") == 7,
          20, "it serves again")


@pytest.mark.parametrize("name", HARMLESS)
def test_one_that_is_only_odd_lives_on(zoo, client, name):
    pid = zoo.runners()[f"{name}/1"]
    got = heard(zoo.ask(client, f"evil_{name}"))
    assert HARMLESS[name] is None or got in HARMLESS[name]
    zoo.nobody_noticed(client)
    until(lambda: zoo.ask(client, f"echo_{name}", x=7).get("result") == 7,
          20, "it serves again")
    assert zoo.runners()[f"{name}/1"] == pid, zoo.why(f"{name}/1")


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_breaks_the_rules_ends_as_one(zoo, client, name):
    why = STREAMS[name]
    pid = zoo.runners()[f"{name}/1"]
    done = zoo.run_banyan("call", "local", f"evil_{name}")
    assert done.returncode == 1, done
    zoo.nobody_noticed(client)
    if why is not None:
        zoo.until_replaced(f"{name}/1", pid, 20)
        until(lambda: why in zoo.why(f"{name}/1"), 10, why)
    until(lambda: zoo.ask(client, f"echo_{name}", x=7).get("result") == 7,
          20, "it serves again")


def test_one_that_asks_for_it_is_replaced_without_losing_a_call(zoo, client):
    name = "asks_to_be_replaced"
    pid = zoo.runners()[f"{name}/1"]
    assert heard(zoo.ask(client, f"evil_{name}")) == "tired"
    zoo.until_replaced(f"{name}/1", pid, 20)
    until(lambda: zoo.ask(client, f"echo_{name}", x=7).get("result") == 7,
          20, "it serves again")
    assert "recycle" in zoo.why(f"{name}/1").lower()


def test_children_left_behind_by_a_dead_runner_are_killed(zoo, client):
    name = "forks_children"
    zoo.ask(client, f"evil_{name}")
    until(lambda: not children_of(name), 10, "nobody is left")


def children_of(name):
    """Processes of that pool which are not its runner."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1]
                         .split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if name.encode() in words and str(EVIL).encode() in words and \
                not is_worker_pool(parent):
            found.append(int(folder.name))
    return found


def is_worker_pool(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").endswith("/worker_pool")
    except OSError:
        return False
