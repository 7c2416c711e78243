"""Calls and every way they can end, with the texts clients see."""
import time

import pytest

from gateway_tree import GatewayTree, request
from tree import until

LIMITS = """\
rate_limiter:
  api_limits:
    - {service: test, request_type: limited, key: key, max_requests: 2,
       window_ms: 60000}
"""


@pytest.fixture(scope="module", name="tree")
def one_tree():
    with GatewayTree(more=LIMITS) as tree:
        yield tree


@pytest.fixture(name="client")
def joined_client(tree):
    with tree.joined() as client:
        yield client


def fails(client, payload, code, error, **how):
    """A call that ends in an error: everything of it at once."""
    push, reply = client.call(payload, **how)
    assert push["success"] is False and push["result"] is None
    assert (push["code"], push["error"]) == (code, error)
    assert push["async"] is False and push["has_more"] is False
    return push, reply


# --- requests ---

def test_a_call_is_answered_with_push_then_reply(client):
    push, reply = client.call(request(args={"a": {"k": [1, 2.5, None]}}))
    assert push == {"request_id": "r1", "result": [{"k": [1, 2.5, None]}],
                    "success": True, "error": None, "async": False,
                    "has_more": False, "can_retry": False}
    assert reply == {"status": "ok", "response": "echo"}


@pytest.mark.parametrize("payload, missing", [
    ({}, "request_type, request_id, service"),
    ({"request_id": "r1"}, "request_type, service"),
    ({"service": "s", "request_type": " "}, "request_type, request_id"),
    ({"service": "", "request_type": "t", "request_id": "r1"}, "service"),
    ({"service": "s", "request_type": "t", "request_id": ""}, "request_id"),
])
def test_missing_fields_are_named_in_their_order(client, payload, missing):
    text = f"Missing required fields: {missing}"
    push, reply = fails(client, payload, "missing_field",
                        f"Invalid request: {text}")
    assert reply == {"status": "error", "response": text}
    assert push["request_id"] == (payload.get("request_id") or "unknown")


@pytest.mark.parametrize("wrong", [
    {"request_type": 7}, {"service": ["x"]}, {"request_id": True},
    {"args": [1]}, {"version": 2}, {"device_id": {}}, {"user_id": 5}])
def test_a_field_of_the_wrong_type_is_a_decode_error(client, wrong):
    push, reply = client.call(request(**wrong))
    assert push["code"] == "invalid_payload"
    assert push["error"] == "Invalid request: " + reply["response"]
    assert reply["response"].startswith("Malformed request payload: ")
    assert reply["status"] == "error"


@pytest.mark.parametrize("payload", ["[]", '"x"', "7", "null"])
def test_a_payload_that_is_no_object_is_a_decode_error(client, payload):
    client.send(1, f'[null,"7","api:lobby","api",{payload}]')
    push, reply = client.hear()[4], client.hear()[4]
    assert push["code"] == "invalid_payload"
    assert push["request_id"] == "unknown"
    assert reply["status"] == "error"


@pytest.mark.parametrize("args", [
    '{"a":' + "[" * 100000, '{"a":"\\ud800"}', '{"a":1e999999}',
    '{"a":01}', '{"a":"' + "\\u0000" + '}', "{" + "]" ])
def test_broken_or_hostile_json_in_a_payload_is_a_decode_error(client, args):
    client.send(1, '[null,"7","api:lobby","api",{"request_id":"r9",'
                   f'"args":{args}}}]')
    push, reply = client.hear()[4], client.hear()[4]
    assert push["code"] == "invalid_payload", push
    assert push["request_id"] == "r9"
    assert reply["status"] == "error"


def test_a_payload_above_the_limit_names_both_numbers(client):
    client.send(1, '[null,"7","api:lobby","api",{"x":"' + "y" * 1000000 +
                '"}]')
    push, reply = client.hear()[4], client.hear()[4]
    text = ("Request payload exceeds maximum size of 1000000 bytes "
            "(got 1000008 bytes)")
    assert push["error"] == "Invalid request: " + text
    assert reply == {"status": "error", "response": text}


def test_a_frame_far_above_the_limit_is_refused_before_it_is_there(tree):
    with tree.joined() as client:
        client.write(b"\x81\xff" + (1 << 30).to_bytes(8, "big") + b"\0" * 4)
        assert client.read_close() == 1009


def test_null_or_absent_args_are_no_args(client):
    for payload in (request("nothing"), {**request("nothing"), "args": None},
                    {k: v for k, v in request("nothing").items()
                     if k != "args"}):
        assert client.call(payload)[0]["result"] == []


def test_unknown_keys_are_ignored(client):
    assert client.call(request("nothing", extra={"x": [1]}, user_roles=9)
                       )[0]["success"]


def test_a_default_channel_asks_for_a_verified_user(tree):
    with tree.joined("secure:x") as client:
        push, reply = fails(client, request(user_id="u1"), "denied",
                            "Authentication required", topic="secure:x",
                            event="phoenix_gen_api")
        assert reply == {"status": "error",
                         "response": "Authentication required"}
        assert push["request_id"] == "r1"


def test_a_claimed_user_id_does_not_reach_the_service(client):
    result = client.call(request("info", user_id="admin", device_id="d1"))[0]
    assert result["result"] == [
        {"request_id": "r1", "user_id": None, "device_id": "d1"}]


# --- functions ---

def test_an_unknown_function_is_named_with_its_version(client):
    push, reply = fails(client, request("nope"), "not_found",
                        "unsupported function: nope version latest")
    assert reply == {"status": "ok", "response": "nope"}
    fails(client, request("echo", version="9.9.9"), "not_found",
          "unsupported function: echo version 9.9.9")
    fails(client, request(service="nobody"), "not_found",
          "unsupported function: echo version latest")


def test_a_disabled_function_says_so(client):
    fails(client, request("off"), "disabled",
          "disabled function: off version latest")
    fails(client, request("half", version="9.0.0"), "disabled",
          "disabled function: half version 9.0.0")
    assert client.call(request("half"))[0]["result"] == "one"


def test_the_highest_version_is_called_unless_one_is_named(client):
    assert client.call(request("versions"))[0]["result"] == []
    assert client.call(request("versions", version="1.0.0")
                       )[0]["result"] == "one"
    assert client.call(request("versions", version="0.0.0")
                       )[0]["result"] == []


def test_arguments_come_in_order_and_wrong_ones_are_named(client):
    assert client.call(request("pair", {"a": "x", "b": 2}))[0]["result"] == \
        [2, "x"]
    for args in ({"a": "x"}, {"a": 1, "b": 2}, {"a": "x", "b": 2, "c": 3}):
        push, reply = client.call(request("pair", args))
        assert push["code"] == "invalid_argument"
        assert push["error"].startswith("Invalid request: ")
        assert reply == {"status": "ok", "response": "pair"}


# --- ends ---

def test_an_inner_reason_stays_inside(client):
    push, reply = fails(client, request("fail", {"text": "password=1"}),
                        "internal", "Internal Server Error")
    assert reply == {"status": "ok", "response": "fail"}
    assert push["can_retry"] is False


def test_a_result_json_has_no_words_for_is_a_bad_result(client):
    fails(client, request("bad_key"), "bad_result", "Internal Server Error")
    assert client.call(request("not_utf8"))[0]["result"] == "a\ufffdb"


def test_a_call_without_a_node_is_not_dispatched(client):
    fails(client, request("lost"), "not_dispatched", "Internal Server Error")


def test_a_dead_node_is_passed_over_silently(client):
    assert client.call(request("second"))[0]["result"] == "two"


def test_a_call_ends_at_its_deadline(client):
    start = time.monotonic()
    fails(client, request("never"), "expired", "Internal Server Error")
    assert 0.29 < time.monotonic() - start


def test_a_limit_says_when_to_come_back(client):
    for _ in range(2):
        assert client.call(request("limited", {"key": "k1"}))[0]["success"]
    push, reply = client.call(request("limited", {"key": "k1"}))
    after = push["retry_after_ms"]
    assert push["code"] == "rate_limited" and push["can_retry"] is True
    assert 0 < after <= 60000
    assert push["error"] == ("Rate limit exceeded. Please retry after "
                             f"{after // 1000} seconds.")
    assert reply == {"status": "ok", "response": "limited"}
    assert client.call(request("limited", {"key": "k2"}))[0]["success"]


def test_a_slow_call_does_not_delay_another_of_its_channel(client):
    slow = client.start_call(request("slow", {"ms": 1500}, request_id="s"))
    assert client.call(request(args={"a": 1}))[0]["result"] == [1]
    assert client.hear()[4]["request_id"] == "s"
    assert client.hear()[1] == slow


def test_an_answer_after_the_channel_was_left_is_dropped(client):
    client.start_call(request("slow", {"ms": 100}))
    client.say(None, "x", "api:lobby", "phx_leave", {})
    assert client.hear()[3] == "phx_reply"
    assert client.hear()[3] == "phx_close"
    assert client.join(join_ref="new")[1] == "ok"
    assert client.call(request("slow", {"ms": 200}))[0]["result"] == 200


def test_a_lost_dispatched_call_is_answered_at_once(tree, client):
    push, _ = client.call(request("die"))
    assert push["code"] == "dispatched_unknown"
    assert push["error"] == "Internal Server Error"
    tree.start_node("one")
    tree.until_live(["one"])
    assert client.call(request(args={"a": 1}))[0]["success"]


def test_a_call_that_is_not_idempotent_runs_on_one_node_only(tree, client):
    push, _ = client.call(request("die_once"))
    assert push["code"] == "dispatched_unknown"
    states = {n: tree.node(n)["state"] for n in ("one", "two")}
    assert list(states.values()).count("live") == 1, states
    dead = next(n for n, state in states.items() if state != "live")
    tree.start_node(dead)
    tree.until_live(["one", "two"])


def test_an_idempotent_call_runs_again_on_the_next_node(tree, client):
    """Both nodes die of it: each had the call, so nobody can say it was
    not run."""
    push, _ = client.call(request("die_twice"))
    assert push["code"] == "dispatched_unknown"
    assert all(tree.node(n)["lost"] >= 1 for n in ("one", "two"))
    for name in ("one", "two"):
        tree.start_node(name)
    tree.until_live(["one", "two"])


def test_a_node_that_answers_twice_loses_its_link_not_the_gateway(
        tree, client):
    life = tree.life("gateway/1")
    assert client.call(request("twice"))[0]["result"] == 1
    until(lambda: tree.node("one").get("state") == "live", 10, "one is live")
    assert client.call(request(args={"a": 1}))[0]["success"]
    assert tree.life("gateway/1") == life


def test_version_1_frames_carry_calls_too(tree):
    with tree.joined(vsn="1.0.0") as client:
        push, reply = client.call(request(args={"a": 1}))
        assert push["result"] == [1]
        assert reply == {"status": "ok", "response": "echo"}


def test_a_function_added_while_clients_wait_is_callable_at_once(
        tree, client):
    config = ('{"service":"test","request_type":"fresh","nodes":["one"],'
              '"mfa":{"module":"test","function":"who"}}')
    assert client.call(request("fresh"))[0]["code"] == "not_found"
    assert tree.run_banyan("functions", "add", config).returncode == 0
    until(lambda: client.call(request("fresh"))[0]["success"], 2,
          "the new function answers")


def test_the_nodes_command_shows_each_node(tree):
    assert tree.node("one")["state"] == "live"
    assert tree.node("gone")["state"] == "down"
    assert tree.node("one")["url"].startswith("ipc://")


def test_with_detail_on_clients_see_the_inner_reason_quoted():
    with GatewayTree(more="request: {detail_error: true}") as tree, \
            tree.joined() as client:
        fails(client, request("fail", {"text": 'a "quoted" ' + "x" * 100}),
              "internal", 'Internal Server Error: {:error, "a \\"quoted\\" ' +
              "x" * 53 + '"}')
        fails(client, request("never"), "expired",
              "Internal Server Error: timeout")
        fails(client, request("lost"), "not_dispatched",
              "Internal Server Error: no target nodes available")


def test_one_call_more_than_allowed_in_flight_is_told_to_come_back():
    with GatewayTree(gateway="max_calls_per_client: 3") as tree, \
            tree.joined() as client:
        for i in range(3):
            client.start_call(request("slow", {"ms": 300}))
        push, reply = fails(client, request(args={"a": 1}), "unavailable",
                            "Service temporarily unavailable")
        assert push["can_retry"] is True and push["retry_after_ms"] > 0
        assert reply == {"status": "ok", "response": "echo"}
        for _ in range(6):
            client.hear()
        assert client.call(request(args={"a": 1}))[0]["success"]
