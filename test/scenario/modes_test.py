"""Async and none: what is said at once, what at last, and that both are said
exactly once."""
import signal
import threading

import pytest

from gateway_tree import MODES, GatewayTree, request
from phoenix_client import SEVEN_KEYS
from tree import until

ACK = {"request_id": "r1", "result": None, "success": True, "error": None,
       "async": True, "has_more": False, "can_retry": False}


@pytest.fixture(scope="module", name="tree")
def one_tree():
    with GatewayTree(functions=MODES) as tree:
        yield tree


@pytest.fixture(name="client")
def joined_client(tree):
    with tree.joined() as client:
        yield client


def seen(client):
    return client.call(request("seen"))[0]["result"]


def accepted(client, payload, **how):
    """Makes a call, checks its acknowledgement, and gives nothing else."""
    push, reply = client.call(payload, **how)
    assert push == {**ACK, "request_id": payload["request_id"]}
    assert reply == {"status": "ok", "response": payload["request_type"]}


def final(client, request_id="r1"):
    """The one push that ends an async call; no reply comes with it."""
    _, ref, _, event, push = client.hear()
    assert (ref, event) == (None, "api"), (ref, event, push)
    assert push["request_id"] == request_id and push["async"] is False
    assert push["has_more"] is False and SEVEN_KEYS <= set(push)
    assert "code" in push or set(push) == SEVEN_KEYS
    return push


def silent(client):
    """Nothing more comes for what was asked before: the channel is in order,
    so the answer to another call is the next message."""
    push, _ = client.call(request(args={"a": "q"}, request_id="quiet"))
    assert push["request_id"] == "quiet", push


def test_an_async_call_is_acknowledged_then_answered_without_a_reply(client):
    accepted(client, request("echo_later", {"a": [1]}))
    assert final(client)["result"] == [[1]]
    silent(client)


def test_the_acknowledgement_does_not_wait_for_the_answer(client):
    accepted(client, request("wait_later"))  # its answer never comes
    silent(client)


def test_answers_of_async_calls_overtake_each_other(client):
    accepted(client, request("slow_later", {"ms": 1500}, request_id="long"))
    accepted(client, request("slow_later", {"ms": 50}, request_id="short"))
    assert final(client, "short")["result"] == 50
    assert final(client, "long")["result"] == 1500


@pytest.mark.parametrize("payload, code, error", [
    (request("fail_later", {"text": "secret"}), "internal",
     "Internal Server Error"),
    (request("never_later"), "expired", "Internal Server Error"),
    (request("bad_later"), "bad_result", "Internal Server Error"),
    (request("lost_later", {"a": 1}), "not_dispatched",
     "Internal Server Error")])
def test_an_async_call_that_fails_ends_in_one_typed_error(
        client, payload, code, error):
    accepted(client, payload)
    push = final(client)
    assert (push["success"], push["code"], push["error"]) == \
        (False, code, error)
    silent(client)


def test_the_death_of_the_node_ends_an_async_call_with_its_class(tree, client):
    accepted(client, request("wait_later", request_id="other"))
    accepted(client, request("die_later"))
    ends = {p["request_id"]: p["code"] for p in
            (client.hear()[4], client.hear()[4])}
    assert ends == {"r1": "dispatched_unknown", "other": "dispatched_unknown"}
    tree.start_node("one")
    tree.until_live(["one"])
    silent(client)


@pytest.mark.parametrize("kind", ["echo_later", "tell", "one_answer"])
def test_wrong_arguments_are_named_at_once_in_every_mode(client, kind):
    push, reply = client.call(request(kind, {"b": 1}))
    assert push["code"] == "invalid_argument" and push["async"] is False
    assert push["error"].startswith("Invalid request: ")
    assert '"a"' in push["error"] or '"b"' in push["error"]
    assert reply == {"status": "ok", "response": kind}
    silent(client)


# --- none ---

def test_a_none_call_gets_its_reply_and_no_push(client):
    before = seen(client)["ran"]
    ref = client.start_call(request("tell", {"a": 1}))
    reply = client.hear()
    assert (reply[1], reply[3]) == (ref, "phx_reply")
    assert reply[4] == {"status": "ok", "response": "tell"}
    until(lambda: seen(client)["ran"] == before + 1, 5, "it ran")
    silent(client)


@pytest.mark.parametrize("payload", [
    request("tell_fail", {"text": "x"}), request("tell_lost", {"a": 1})])
def test_the_outcome_of_a_none_call_is_counted_and_told_to_nobody(
        tree, client, payload):
    before = tree.counter("discarded")
    client.start_call(payload)
    assert client.hear()[3] == "phx_reply"
    until(lambda: tree.counter("discarded") == before + 1, 5,
          "the outcome was counted")
    silent(client)


def test_a_none_call_runs_on_when_its_client_leaves(tree, client):
    before, cancels = tree.counter("discarded"), \
        seen(client)["cancels"]
    with tree.joined() as other:
        other.start_call(request("tell_slow", {"ms": 500}))
        assert other.hear()[3] == "phx_reply"
    until(lambda: tree.counter("discarded") == before + 1, 5,
          "it ended by itself")
    assert seen(client)["cancels"] == cancels
    assert tree.counter("async_calls") == 0


# --- who leaves takes his calls along ---

@pytest.mark.parametrize("kind", ["slow", "slow_later"])
def test_a_disconnect_cancels_what_runs_at_the_service(tree, client, kind):
    before = seen(client)["cancels"]
    with tree.joined() as other:
        other.start_call(request(kind, {"ms": 5000}))
        until(lambda: tree.counter("in_flight") >= 1, 5, "it runs")
    until(lambda: seen(client)["cancels"] == before + 1, 5,
          "the service heard of it")
    until(lambda: tree.counter("in_flight") == 0, 5, "none is left")


@pytest.mark.parametrize("kind", ["slow", "slow_later"])
@pytest.mark.parametrize("event", ["phx_leave", "phx_join", "no_such_event"])
def test_a_left_or_rejoined_channel_cancels_its_calls(
        tree, client, kind, event):
    before = seen(client)["cancels"]
    with tree.joined() as other:
        other.start_call(request(kind, {"ms": 5000}))
        until(lambda: tree.counter("in_flight") >= 1, 5, "it runs")
        other.say("9", "9", "api:lobby", event, {}) \
            if event == "phx_join" else \
            other.say(None, "9", "api:lobby", event, {})
        until(lambda: seen(client)["cancels"] == before + 1, 5,
              "the service heard of it")
        assert tree.counter("in_flight") == 0


# --- limits ---

def test_a_full_queue_is_told_at_once_and_follows_the_settings(tree):
    with GatewayTree(functions=MODES, nodes=("one",),
                     gateway="max_async: 2") as small, \
            small.joined() as client:
        for name in "ab":
            accepted(client, request("wait_later", request_id=name))
        for kind, args in (("wait_later", {}), ("tell", {"a": 1})):
            push, reply = client.call(request(kind, args))
            assert (push["code"], push["error"], push["can_retry"]) == \
                ("unavailable", "Service temporarily unavailable", True)
            assert reply == {"status": "ok", "response": kind}
        assert client.call(request(args={"a": 1}))[0]["success"]
        small.rewrite(small.file.read_text().replace("max_async: 2",
                                                     "max_async: 3"))
        assert small.run_banyan("reload").returncode == 0
        accepted(client, request("wait_later"))
        assert small.counter("async_calls") == 3


def test_a_node_that_takes_no_more_ends_taken_calls_with_unavailable():
    """Its budget is full after they were acknowledged: a last word all the
    same, and the others are answered when it goes on."""
    with GatewayTree(functions=MODES, nodes=(),
                     gateway="node_buffer_bytes: 65536") as tree, \
            tree.joined() as client:
        service = tree.start_node("one")
        tree.until_live(["one"])
        service.send_signal(signal.SIGSTOP)
        names = [f"n{i}" for i in range(150)]
        for name in names:
            client.start_call(request("echo_later", {"a": "x" * 9000},
                                      request_id=name))
        until(lambda: tree.counter("unavailable") > 0, 10, "it is full")
        service.send_signal(signal.SIGCONT)
        acks, finals = set(), {}
        while len(finals) < len(names):
            push = client.hear()[4]
            if "success" not in push:
                continue
            name = push["request_id"]
            if push["async"]:
                assert name not in acks | set(finals)
                acks.add(name)
            else:
                assert name in acks and name not in finals
                finals[name] = push.get("code")
        assert set(finals.values()) == {None, "unavailable"}, finals
        silent(client)


def test_what_was_called_is_what_became_of_it(tree):
    """The counters agree with each other whoever stays, leaves or is cut."""
    with GatewayTree(functions=MODES, nodes=("one",)) as fresh:
        with fresh.joined() as client:
            accepted(client, request("echo_later", {"a": 1}))
            final(client)
            accepted(client, request("fail_later", {"text": "x"}))
            final(client)
            accepted(client, request("wait_later"))
            for payload in (request("tell", {"a": 1}), request("nope"),
                            request("stall", {"n": 0}), request("seen"),
                            request("echo_later", {"b": 1})):
                client.start_call(payload)
            until(lambda: fresh.counter("discarded") == 1 and
                  fresh.counter("answered") == 2, 5, "they ran")
        until(lambda: fresh.counter("in_flight") == 0, 5, "all have ended")
        count = {name: fresh.counter(name) for name in (
            "calls", "answered", "failed", "client_gone", "discarded")}
        assert count.pop("calls") == sum(count.values()) == 8, count
        assert count == {"answered": 2, "failed": 3, "client_gone": 2,
                         "discarded": 1}


def test_a_draining_gateway_gives_every_async_call_its_answer():
    with GatewayTree(functions=MODES, nodes=("one",),
                     gateway="drain_timeout_ms: 3000") as tree, \
            tree.joined() as client:
        accepted(client, request("slow_later", {"ms": 600}, request_id="a"))
        accepted(client, request("wait_later", request_id="b"))
        restart = threading.Thread(
            target=lambda: tree.run_banyan("restart", "gateway/1"))
        restart.start()
        assert final(client, "a")["result"] == 600
        assert final(client, "b")["code"] == "dispatched_unknown"
        assert client.read_close() == 1012
        restart.join()
