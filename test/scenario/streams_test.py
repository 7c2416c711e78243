"""Streams: begun, in order, ended exactly once, never ahead of their reader."""
import contextlib
import json
import os
import signal
import socket
import threading
import time

import pytest

from gateway_tree import MODES, GatewayTree, request
from phoenix_client import SEVEN_KEYS
from tree import until
from websocket import Closed

BIG = {"request_type": "big", "arg_types": {"bytes": "num"}}


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


def begin(client, payload, **how):
    """Makes the call and checks what begins every stream."""
    push, reply = client.call(payload, **how)
    assert push == {"request_id": payload["request_id"], "result": "init",
                    "success": True, "error": None, "async": True,
                    "has_more": True, "can_retry": False}
    assert reply == {"status": "ok", "response": payload["request_type"]}


def part(client):
    _, ref, _, event, push = client.hear()
    assert (ref, event) == (None, "api"), (ref, event, push)
    assert SEVEN_KEYS <= set(push)
    return push


def rest(client, request_id="r1"):
    """(values of the parts, the one terminal message)."""
    values = []
    while True:
        push = part(client)
        assert push["request_id"] == request_id, push
        if not push["has_more"]:
            if push["success"]:
                assert push["async"] and set(push) == SEVEN_KEYS
            else:
                assert not push["async"] and "code" in push
            return values, push
        assert push["async"] and push["success"] and not push["error"]
        values.append(push["result"])


def silent(client):
    push, _ = client.call(request(args={"a": "q"}, request_id="quiet"))
    assert push["request_id"] == "quiet", push


# --- how a stream ends ---

def test_parts_come_in_order_and_the_end_has_no_value(client):
    begin(client, request("count", {"n": 500}))
    values, end = rest(client)
    assert values == list(range(500))
    assert end["success"] and end["result"] is None
    silent(client)


def test_the_last_part_may_carry_a_value(client):
    begin(client, request("parts", {"all": ["a", {"b": [1]}, 3.5, "last"]}))
    values, end = rest(client)
    assert (values, end["result"]) == (["a", {"b": [1]}, 3.5], "last")
    silent(client)


def test_one_answer_alone_is_a_stream_of_its_last_part(client):
    begin(client, request("one_answer", {"a": 7}))
    assert rest(client) == ([], {
        "request_id": "r1", "result": [7], "success": True, "error": None,
        "async": True, "has_more": False, "can_retry": False})
    silent(client)


@pytest.mark.parametrize("payload, values, code", [
    (request("fail_after", {"n": 3}), [0, 1, 2], "internal"),
    (request("fail_after", {"n": 0}), [], "internal"),
    (request("stall_briefly", {"n": 2}), [0, 1], "expired"),
    (request("bad_part"), [1], "bad_result"),
    (request("lost_stream", {"a": 1}), [], "not_dispatched")])
def test_a_stream_that_fails_ends_in_one_typed_error(
        client, payload, values, code):
    begin(client, payload)
    got, end = rest(client)
    assert (got, end["code"]) == (values, code)
    assert end["error"] == "Internal Server Error"
    silent(client)


def test_the_node_hears_that_a_failed_stream_is_not_wanted(client):
    before = seen(client)["cancels"]
    begin(client, request("stall_briefly", {"n": 1}))
    rest(client)
    begin(client, request("bad_part"))
    rest(client)
    until(lambda: seen(client)["cancels"] == before + 2, 5, "two cancels")


def test_the_death_of_the_node_ends_every_stream_once(tree, client):
    for name in "ab":
        begin(client, request("stall", {"n": 0}, request_id=name))
    begin(client, request("die_after", {"n": 5}, request_id="c"))
    ends, values = {}, []
    while len(ends) < 3:
        push = part(client)
        if push["has_more"]:
            values.append(push["result"])
        else:
            assert push["request_id"] not in ends
            ends[push["request_id"]] = push["code"]
    assert set(ends.values()) == {"dispatched_unknown"}
    assert values == list(range(len(values)))
    tree.start_node("one")
    tree.until_live(["one"])
    silent(client)


def test_a_stream_with_parts_is_not_begun_again_elsewhere(tree, client):
    """idempotent lets it run again, but parts must not come twice."""
    begin(client, request("die_after_twice", {"n": 3000}))
    values, end = rest(client)
    assert end["code"] == "dispatched_unknown"
    assert values == list(range(len(values)))
    dead = [n for n in ("one", "two") if tree.node(n)["state"] != "live"]
    for name in dead:
        tree.start_node(name)
    tree.until_live(["one", "two"])


def test_a_node_that_breaks_the_order_of_parts_loses_its_link(tree, client):
    begin(client, request("odd_index"))
    values, end = rest(client)
    assert (values, end["code"]) == ([1], "dispatched_unknown")
    tree.until_live(["one"])
    silent(client)


def test_a_part_where_none_was_asked_for_ends_the_call(client):
    push, _ = client.call(request("part_then_answer"))
    assert push["code"] == "bad_result"
    silent(client)


def test_streams_and_calls_of_one_channel_go_on_side_by_side(client):
    begin(client, request("count", {"n": 20, "ms": 20}, request_id="s1"))
    begin(client, request("count", {"n": 20, "ms": 20}, request_id="s2"))
    client.start_call(request(args={"a": 1}, request_id="c"))
    got = {"s1": [], "s2": []}
    answered, open_streams = False, 2
    while open_streams:
        _, _, _, event, push = client.hear()
        if event == "phx_reply":
            continue
        if push["request_id"] == "c":
            answered = open_streams == 2
        elif push["has_more"]:
            got[push["request_id"]].append(push["result"])
        else:
            open_streams -= 1
    assert answered, "the call did not wait for the streams"
    assert got == {"s1": list(range(20)), "s2": list(range(20))}


def test_infinity_lets_a_stream_go_on_past_every_default(tree):
    with GatewayTree(functions=MODES, nodes=("one",), gateway=(
            "infinite_timeout_ms: 200\n  default_timeout_ms: 200")) as short, \
            short.joined() as client:
        begin(client, request("stall_for_ever", {"n": 1}))
        assert part(client)["result"] == 0
        time.sleep(0.6)
        silent(client)
        assert short.counter("streams") == 1


# --- stop, leave, disconnect ---

def stop(client, payload, topic="api:lobby"):
    ref = str(next(client.refs))
    client.say(None, ref, topic, "stop_stream", payload)
    return ref


def test_a_stopped_stream_ends_and_the_node_hears_of_it(client):
    before = seen(client)["cancels"]
    begin(client, request("stall", {"n": 1}))
    assert part(client)["result"] == 0
    ref = stop(client, {"request_id": "r1"})
    assert part(client) == {
        "request_id": "r1", "result": None, "success": True, "error": None,
        "async": True, "has_more": False, "can_retry": False}
    _, got, _, event, reply = client.hear()
    assert (got, event) == (ref, "phx_reply")
    assert reply == {"status": "ok", "response": {}}
    until(lambda: seen(client)["cancels"] == before + 1, 5, "one cancel")
    silent(client)


@pytest.mark.parametrize("payload, reason", [
    ({"request_id": "nobody"}, "not_found"),
    ({"request_id": "r1"}, "not_found"),
    ({}, "request_id must be a string"),
    ({"request_id": 7}, "request_id must be a string"),
    ([], "request_id must be a string")])
def test_what_is_no_stream_of_the_channel_is_not_stopped(
        client, payload, reason):
    ref = stop(client, payload)
    _, got, _, _, reply = client.hear()
    assert got == ref
    assert reply == {"status": "error", "response": {"reason": reason}}


def test_a_stream_of_another_channel_or_client_is_not_stopped(tree, client):
    begin(client, request("stall", {"n": 0}, request_id="mine"))
    assert client.join("api:other")[1] == "ok"
    stop(client, {"request_id": "mine"}, "api:other")
    assert client.hear()[4]["response"] == {"reason": "not_found"}
    with tree.joined() as stranger:
        stop(stranger, {"request_id": "mine"})
        assert stranger.hear()[4]["response"] == {"reason": "not_found"}
    stop(client, {"request_id": "mine"})
    assert part(client)["has_more"] is False
    assert client.hear()[4]["status"] == "ok"


def test_a_stream_is_stopped_by_its_name_however_it_was_written(client):
    client.send(1, '[null,"7","api:lobby","api",{"service":"test",'
                   '"request_type":"stall","args":{"n":0},'
                   '"request_id":"\\u0072\\n1"}]')
    assert part(client)["result"] == "init"
    assert client.hear()[3] == "phx_reply"
    stop(client, {"request_id": "r\n1"})
    assert part(client)["request_id"] == "r\n1"
    assert client.hear()[4]["status"] == "ok"


@pytest.mark.parametrize("how", ["phx_leave", "phx_join", "disconnect"])
def test_who_leaves_ends_his_streams_at_the_service(tree, client, how):
    before = seen(client)["cancels"]
    with tree.joined() as other:
        begin(other, request("stall", {"n": 0}))
        if how == "phx_leave":
            other.say(None, "9", "api:lobby", how, {})
        elif how == "phx_join":
            other.say("9", "9", "api:lobby", how, {})
        else:
            other.socket.close()
        until(lambda: seen(client)["cancels"] == before + 1, 5, "one cancel")
        assert tree.counter("streams") == 0


# --- credit ---

def narrow(reader):
    """The kernel keeps little for it, so that what it leaves is felt."""
    reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)


def test_a_generator_makes_no_more_than_its_reader_takes(tree):
    """The reader stands still: what was made is bounded by windows and by
    what the kernel holds, and goes on when it reads."""
    with tree.joined() as asker, tree.client() as reader:
        narrow(reader)
        assert reader.join("api:lobby")[1] == "ok"
        before = seen(asker)["made"]
        begin(reader, request("forever", {"bytes": 1000}))
        made = lambda: seen(asker)["made"] - before
        stands = []
        def standing():
            stands.append(made())
            return len(stands) > 3 and stands[-1] == stands[-4] and stands[-1]
        until(standing, 20, "the generator stands still")
        assert stands[-1] * 1000 < 12 << 20, stands[-1]
        assert tree.counter("slow_readers") == 0
        for _ in range(stands[-1]):
            part(reader)
        assert part(reader)["has_more"]


def test_a_node_that_sends_beyond_its_credit_ends_its_stream(tree, client):
    begin(client, request("greedy", {"bytes": 5000}))
    values, end = rest(client)
    assert end["code"] == "bad_result"
    assert len(values) * 5000 < 1 << 20
    silent(client)


def test_parts_of_one_byte_do_not_overflow_a_reader_that_stands_still(tree):
    with tree.joined() as asker, tree.client() as reader:
        narrow(reader)
        assert reader.join("api:lobby")[1] == "ok"
        begin(reader, request("count", {"n": 60000}))
        until(lambda: tree.counter("buffered_bytes") > 0, 20, "it waits")
        assert rest(reader)[0] == list(range(60000))
        assert tree.counter("slow_readers") == 0
        silent(asker)


# --- readers that are cut ---

def until_close(client):
    """Every push of a client that is closed, and the close's reason; None
    when the end came before it."""
    pushes = []
    try:
        while True:
            kind, data = client.read()
            if kind == 8:
                return pushes, data[2:]
            message = json.loads(data)
            if message[3] == "api":
                pushes.append(message[4])
    except (Closed, ConnectionError):
        return pushes, None


def test_a_reader_that_is_cut_hears_the_end_of_what_it_waits_for():
    with GatewayTree(functions=MODES + [BIG], nodes=("one",),
                     gateway="client_buffer_bytes: 65536") as tree, \
            tree.client() as client:
        narrow(client)
        assert client.join("api:lobby")[1] == "ok"
        client.start_call(request("wait_later", request_id="later"))
        client.start_call(request("stall", {"n": 0}, request_id="stream"))
        for i in range(400):
            client.start_call(request("big", {"bytes": 50000}))
            if i % 20 == 0 and tree.counter("slow_readers"):
                break
        until(lambda: tree.counter("slow_readers") == 1, 10, "it is cut")
        until(lambda: tree.counter("in_flight") == 0, 10, "its calls end")
        pushes, reason = until_close(client)
        last = [(p["request_id"], p["code"]) for p in pushes
                if not p["success"]]
        if reason is not None:
            assert reason == b"slow reader"
            assert sorted(last) == [("later", "unavailable"),
                                    ("stream", "unavailable")]
        assert len(last) == len(set(last)) <= 2


def test_a_reader_that_takes_nothing_loses_its_place_however_it_asks():
    with GatewayTree(functions=MODES, nodes=("one",),
                     gateway="idle_timeout_ms: 1000") as tree, \
            tree.client() as client:
        narrow(client)
        assert client.join("api:lobby")[1] == "ok"
        client.start_call(request("forever", {"bytes": 1000}))
        def beat():
            with contextlib.suppress(ConnectionError):
                client.say(None, "h", "phoenix", "heartbeat", {})
            return tree.counter("slow_readers") == 1
        until(beat, 20, "it is cut")
        until(lambda: tree.counter("streams") == 0, 10, "the place is free")


# --- limits, drain ---

def test_one_stream_more_than_allowed_is_refused_at_once():
    with GatewayTree(functions=MODES, nodes=("one",),
                     gateway="max_streams: 2") as tree, \
            tree.joined() as client:
        for name in "ab":
            begin(client, request("stall", {"n": 0}, request_id=name))
        push, reply = client.call(request("stall", {"n": 0}))
        assert (push["code"], push["error"], push["can_retry"]) == \
            ("unavailable", "Service temporarily unavailable", True)
        assert reply == {"status": "ok", "response": "stall"}
        stop(client, {"request_id": "a"})
        assert part(client)["request_id"] == "a"
        assert client.hear()[4]["status"] == "ok"
        begin(client, request("stall", {"n": 0}))


def test_a_draining_gateway_ends_its_streams_with_a_word():
    with GatewayTree(functions=MODES, nodes=("one",),
                     gateway="drain_timeout_ms: 2000") as tree, \
            tree.joined() as client:
        begin(client, request("count", {"n": 5, "ms": 100}, request_id="a"))
        begin(client, request("stall", {"n": 0}, request_id="b"))
        restart = threading.Thread(
            target=lambda: tree.run_banyan("restart", "gateway/1"))
        restart.start()
        values, end = rest(client, "a")
        assert values == list(range(5)) and end["success"]
        end = part(client)
        assert (end["request_id"], end["code"], end["can_retry"]) == \
            ("b", "draining", True)
        assert client.read_close() == 1012
        restart.join()


# --- faults ---

def test_a_thousand_streams_of_slow_readers_take_bounded_memory():
    """And each ends in one word once it is stopped, or with its socket."""
    with GatewayTree(functions=MODES, nodes=("one",),
                     gateway="max_streams: 2000") as tree:
        pid = tree.child("gateway/1")["pid"]
        def memory():
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                return int(f.read().split("Pss:")[1].split()[0]) << 10
        before = memory()
        readers = [tree.client() for _ in range(50)]
        for reader in readers:
            narrow(reader)
            assert reader.join("api:lobby")[1] == "ok"
            for i in range(20):
                reader.start_call(request("forever", {"bytes": 100},
                                          request_id=f"s{i}"))
        until(lambda: tree.counter("streams") == 1000, 60, "all have begun")
        grown = []
        def steady():
            grown.append(tree.counter("chunks"))
            return len(grown) > 3 and grown[-1] == grown[-4]
        until(steady, 60, "nobody makes more")
        assert memory() - before < 50 * (4 << 20)
        assert tree.counter("slow_readers") == 0
        for reader in readers:
            reader.socket.close()
        until(lambda: tree.counter("streams") == 0, 20, "all have ended")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_service_that_dies_or_stands_still_ends_all_it_had(number):
    """Async and streams alike: one last word each, none twice."""
    with GatewayTree(functions=MODES, nodes=()) as tree, \
            tree.joined() as client:
        service = tree.start_node("one")
        tree.until_live(["one"])
        names = [f"{kind}{i}" for kind in "as" for i in range(50)]
        for name in names:
            kind = ("wait_later", {}) if name[0] == "a" else \
                ("forever", {"bytes": 50})
            client.start_call(request(*kind, request_id=name))
        first = {}
        while len(first) < len(names):
            push = client.hear()[4]
            if push.get("request_id") in names:
                first.setdefault(push["request_id"], push)
        os.kill(service.pid, number)
        ends = {}
        while len(ends) < len(names):
            push = client.hear()[4]
            if "success" not in push or push["has_more"] or \
                    (push["success"] and push["async"]):
                continue
            assert push["request_id"] not in ends, push
            ends[push["request_id"]] = push["code"]
        assert set(ends.values()) == {"dispatched_unknown"}, ends
        os.kill(service.pid, signal.SIGKILL)
        tree.start_node("one")
        tree.until_live(["one"])
        silent(client)
