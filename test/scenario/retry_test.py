"""`retry`: how often, where, after how long, and what must never run twice."""
import itertools
import pathlib
import sys
import threading
import time

import pytest

from gateway_tree import GatewayTree, request
from tree import until

SERVICE = pathlib.Path(__file__).resolve().parent / "guard_service.py"


def fails(name, retry, **fields):
    return {"request_type": name, "function": "fail_times", "retry": retry,
            "arg_types": {"name": "string", "times": "num"},
            "arg_orders": ["name", "times"], **fields}


FUNCTIONS = [
    {"request_type": "attempts", "arg_types": {"name": "string"}},
    {"request_type": "attempts_two", "function": "attempts",
     "nodes": ["two"], "arg_types": {"name": "string"}},
    fails("never_again", None),
    fails("twice", 2),
    fails("same", {"same_node": 3}, nodes=["one", "two"],
          choose_node_mode={"hash": "name"}),
    fails("all", {"all_nodes": 3}, nodes=["one", "two"],
          choose_node_mode={"hash": "name"}),
    fails("hurried", 50, timeout=1500),
    fails("later", 2, response_type="async"),
    fails("parts", 2, response_type="stream"),
    fails("guarded", {"same_node": 1}, permission_callback={
        "module": "test", "function": "may"}),
    {"request_type": "late", "function": "who", "nodes": ["gone"],
     "retry": 100, "timeout": 20000},
    {"request_type": "mortal", "function": "die", "retry": 5},
    {"request_type": "mortal_twice", "function": "die_named", "retry": 5,
     "idempotent": True, "arg_types": {"name": "string"}, "timeout": 20000},
    {"request_type": "many", "function": "fail_times", "retry": {
        "same_node": 1}, "arg_types": {"name": "string", "times": "num"},
     "arg_orders": ["name", "times"], "timeout": 60000},
    {"request_type": "note", "retry": 3, "nodes": ["one", "two"],
     "choose_node_mode": "round_robin", "arg_types": {"name": "string"}},
    {"request_type": "echo", "arg_types": {"a": "any"}},
]


class RetryTree(GatewayTree):
    def start_node(self, name):
        return self.start_service(
            [sys.executable, str(SERVICE)],
            f"ipc://{self.run}/services/{name}.ipc", name)


@pytest.fixture(scope="module", name="tree")
def started():
    with RetryTree(functions=FUNCTIONS) as tree:
        yield tree


@pytest.fixture(name="client")
def joined(tree):
    with tree.joined() as client:
        yield client


def ask(client, function, **args):
    return client.call(request(function, args))[0]


def attempts(client, name, node="attempts"):
    return ask(client, node, name=name)["result"]


def test_n_makes_at_most_one_and_n_attempts(client):
    assert ask(client, "twice", name="a", times=2)["success"]
    assert attempts(client, "a") == 3
    push = ask(client, "twice", name="b", times=9)
    assert (push["code"], push["error"]) == (
        "internal", "Internal Server Error")
    assert attempts(client, "b") == 3
    assert not ask(client, "never_again", name="c", times=1)["success"]
    assert attempts(client, "c") == 1


def test_the_pauses_grow(client):
    """At least 50 and 100 ms, since chance halves them at most."""
    began = time.monotonic()
    ask(client, "twice", name="slow", times=2)
    assert time.monotonic() - began >= 0.15


def test_same_node_stays_and_all_nodes_goes_round(client):
    for number in range(4):
        name = f"s{number}"
        assert ask(client, "same", name=name, times=2)["success"]
        counts = {attempts(client, name), attempts(client, name,
                                                   "attempts_two")}
        assert counts == {0, 3}
        name = f"r{number}"
        # each of the two nodes fails once: the third attempt succeeds
        assert ask(client, "all", name=name, times=1)["success"]
        assert (attempts(client, name),
                attempts(client, name, "attempts_two")) in ((2, 1), (1, 2))


def test_no_attempt_begins_behind_the_deadline(tree, client):
    before = tree.counter("retries_exhausted")
    began = time.monotonic()
    push = ask(client, "hurried", name="h", times=99)
    assert push["code"] == "internal"
    assert time.monotonic() - began < 5
    assert 2 <= attempts(client, "h") <= 6
    assert tree.counter("retries_exhausted") == before + 1


def test_an_exhausted_call_is_on_record_and_a_single_failure_is_not(
        tree, client):
    before = tree.counter("retries_exhausted"), tree.counter("retries")
    ask(client, "never_again", name="x", times=1)
    assert tree.counter("retries_exhausted") == before[0]
    ask(client, "twice", name="y", times=9)
    assert tree.counter("retries_exhausted") == before[0] + 1
    assert tree.counter("retries") == before[1] + 2
    line = [line for line in tree.log().splitlines()
            if "retry_exhausted" in line and "type=twice" in line][-1]
    assert "mode=all_nodes" in line
    assert "attempts=3" in line


def test_an_async_call_and_a_stream_are_tried_again_behind_their_first_word(
        client):
    def results(function, count, **args):
        client.start_call(request(function, args))
        heard = []
        while len(heard) < count:
            message = client.hear()
            if message[3] == "api":
                heard.append((message[4]["result"], message[4].get("code")))
        return heard
    assert results("later", 2, name="l1", times=1) == [
        (None, None), (2, None)]
    assert results("later", 2, name="l2", times=9) == [
        (None, None), (None, "internal")]
    assert results("parts", 2, name="p1", times=1) == [
        ("init", None), (2, None)]


def test_a_node_that_allowed_a_call_is_not_asked_again_on_same_node(client):
    before = attempts(client, "questions")
    assert ask(client, "guarded", name="g", times=1)["success"]
    assert attempts(client, "questions") - before == 1


def test_a_call_no_node_took_waits_for_one(tree, client):
    ref = client.start_call(request("late"))
    until(lambda: tree.counter("retries") > 0, 10, "it is tried again")
    tree.start_node("gone")
    push = client.hear()
    assert push[4]["result"] == "gone", (ref, push)


def test_what_may_have_run_is_not_repeated_unless_it_may_run_twice():
    with RetryTree(functions=FUNCTIONS) as tree, tree.joined() as client:
        assert ask(client, "mortal")["code"] == "dispatched_unknown"
        assert tree.counter("retries") == 0
        tree.start_node("one")
        tree.until_live(("one",))
        client.start_call(request("mortal_twice", {"name": "again"}))
        until(lambda: tree.services[-1].poll() is not None, 10, "it died")
        time_left = tree.start_node("one")
        push = client.hear()
        assert push[4]["result"] == "again", push
        assert time_left.poll() is None and tree.counter("retries") >= 1


def kill_by_turns(tree, stop):
    for name in itertools.cycle(("one", "two")):
        if stop.wait(0.15):
            return
        node = next(s for s in reversed(tree.services)
                    if s.args[-1] == name)
        node.kill()
        node.wait()
        tree.start_node(name)


def test_nothing_runs_twice_while_its_nodes_are_killed():
    """What ran is written down where it runs; each call ends once."""
    with RetryTree(functions=FUNCTIONS) as tree, tree.joined() as client:
        stop, codes, asked = threading.Event(), {}, 0
        killer = threading.Thread(target=kill_by_turns, args=(tree, stop))
        killer.start()
        try:
            until_s = time.monotonic() + 4
            while asked - len(codes) > 0 or time.monotonic() < until_s:
                while asked - len(codes) < 32 and time.monotonic() < until_s:
                    client.start_call(request(
                        "note", {"name": f"n{asked}"},
                        request_id=f"n{asked}"))
                    asked += 1
                message = client.hear()
                if message[3] == "api":
                    name = message[4]["request_id"]
                    assert name not in codes
                    codes[name] = message[4].get("code")
        finally:
            stop.set()
            killer.join()
        ran = (tree.run / "services" / "ran").read_text().split()
        assert len(ran) == len(set(ran)), "a call ran twice"
        succeeded = {n for n, code in codes.items() if code is None}
        assert succeeded <= set(ran) and len(succeeded) > 10
        assert set(codes.values()) <= {
            None, "dispatched_unknown", "not_dispatched", "unavailable"}


def test_five_hundred_calls_rest_and_hold_up_nobody(tree):
    with tree.joined() as resting, tree.joined() as other:
        for number in range(500):
            resting.start_call(request(
                "many", {"name": f"m{number}", "times": 1},
                request_id=f"m{number}"))
        assert ask(other, "echo", a=1)["result"] == [1]
        heard = set()
        while len(heard) < 500:
            message = resting.hear()
            if message[3] == "api":
                assert message[4]["success"], message
                heard.add(message[4]["request_id"])
    until(lambda: tree.counter("in_flight") == 0, 10, "all ended")


def test_a_client_that_leaves_ends_what_rests(tree):
    before = tree.counter("client_gone")
    with tree.joined() as client:
        for number in range(20):
            client.start_call(request("late", request_id=f"l{number}"))
            client.start_call(request(
                "hurried", {"name": f"z{number}", "times": 99},
                request_id=f"z{number}"))
    until(lambda: tree.counter("in_flight") == 0, 10, "all ended")
    assert tree.counter("client_gone") > before
