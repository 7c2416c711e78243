"""permission_callback: the node that would run a call is asked first."""
import json
import pathlib
import signal
import sys

import pytest

from gateway_tree import GatewayTree, request
from tree import until

SERVICE = pathlib.Path(__file__).resolve().parent / "guard_service.py"
LIMITS = """\
rate_limiter:
  api_limits:
    - {service: test, request_type: paid, key: ip_address, max_requests: 2, window_ms: 60000}
"""
MAY = {"module": "test", "function": "may", "args": ["extra", 7]}
ARGS = {"arg_types": {"say": "string"}}


def guarded(name, function, **fields):
    return {"request_type": name, "function": function,
            "permission_callback": MAY, **ARGS, **fields}


FUNCTIONS = [
    {"request_type": "asked", "function": "asked"},
    {"request_type": "seen", "function": "seen"},
    {"request_type": "asked_two", "function": "asked", "nodes": ["two"]},
    guarded("guarded", "who"),
    guarded("either", "who", nodes=["one", "two"],
            choose_node_mode="round_robin"),
    guarded("brief", "who", timeout=300),
    guarded("paid", "who"),
    guarded("lost", "who", nodes=["gone"]),
    guarded("spare", "who", nodes=["gone", "two"]),
    guarded("patient", "never", timeout=60000),
    guarded("mortal", "who", nodes=["one", "two"],
            choose_node_mode={"hash": "say"}),
    guarded("later", "who", response_type="async"),
    guarded("parts", "count", response_type="stream", timeout=5000,
            arg_types={"say": "num"}),
    guarded("told", "who", response_type="none"),
    # the callback decides, whatever the mode says
    guarded("overrides", "who", check_permission={"role": []}),
    {"request_type": "echo", "arg_types": {"a": "any"}},
]


class GuardTree(GatewayTree):
    def start_node(self, name):
        return self.start_service(
            [sys.executable, str(SERVICE)],
            f"ipc://{self.run}/services/{name}.ipc", name)


@pytest.fixture(scope="module", name="shared")
def started():
    with GuardTree(more=LIMITS, functions=FUNCTIONS) as tree:
        yield tree


@pytest.fixture(name="tree")
def fresh():
    with GuardTree(functions=FUNCTIONS) as tree:
        yield tree


@pytest.fixture(name="client")
def joined(shared):
    with shared.joined() as client:
        yield client


def ask(client, name, say=None, **fields):
    return client.call(request(name, {} if say is None else {"say": say},
                               **fields))


def code_of(client, name, say=None):
    return ask(client, name, say)[0].get("code")


def is_denied(client, name, say):
    push, reply = ask(client, name, say)
    assert reply == {"status": "ok", "response": name}
    if push["success"]:
        return False
    assert (push["code"], push["error"]) == ("denied", "Permission denied")
    assert push["can_retry"] is False
    return True


def test_only_true_allows(client):
    assert ask(client, "guarded", "yes")[0]["result"] == "one"
    for word in ("no", "null", "word", "one", "map", "fail", "parts"):
        assert is_denied(client, "guarded", word), word
    assert ask(client, "overrides", "yes")[0]["result"] == "one"
    assert is_denied(client, "overrides", "no")


def test_no_answer_in_time_denies(client):
    assert is_denied(client, "brief", "never")
    assert ask(client, "guarded", "slow 50")[0]["result"] == "one"


def test_a_node_that_is_not_there_denies_and_another_is_asked(client):
    assert is_denied(client, "lost", "yes")
    assert ask(client, "spare", "yes")[0]["result"] == "two"


def test_it_is_asked_with_the_request_and_its_own_arguments(client):
    ask(client, "guarded", "yes", request_id="r\"7", device_id="d1",
        user_id="u1", user_roles=["admin"])
    _, _, question = ask(client, "asked")[0]["result"]
    assert question == [
        {"request_id": "r\"7", "service": "test", "request_type": "guarded",
         "version": None, "user_id": None, "user_roles": [],
         "device_id": "d1", "args": {"say": "yes"}}, "extra", 7]


def test_the_node_that_was_asked_runs_the_call(client):
    def heard():
        return [ask(client, name)[0]["result"][1]
                for name in ("asked", "asked_two")]
    for _ in range(6):
        before = heard()
        runs = ask(client, "either", "yes")[0]["result"]
        one, two = (b - a for a, b in zip(before, heard()))
        assert (one, two) == ((1, 0) if runs == "one" else (0, 1))


def test_denied_calls_use_no_budget(client):
    for _ in range(5):
        assert is_denied(client, "paid", "no")
    codes = [code_of(client, "paid", "yes") for _ in range(3)]
    assert codes == [None, None, "rate_limited"]


def test_arguments_are_judged_after_permission(client):
    push, _ = client.call(request("guarded", {"say": "no", "more": 1}))
    assert push["code"] == "denied"
    push, _ = client.call(request("guarded", {"say": "yes", "more": 1}))
    assert push["code"] == "invalid_argument"


def hear_all(client, ref):
    """Pushes and the reply to `ref` until a push says that was the last."""
    pushes, reply = [], None
    while True:
        message = client.hear()
        if message[3] == "phx_reply":
            assert message[1] == ref
            reply = message[4]
        else:
            pushes.append(message[4])
        last = pushes and not pushes[-1]["has_more"] and \
            not (pushes[-1]["async"] and pushes[-1]["result"] is None and
                 len(pushes) == 1)
        if last and reply:
            return pushes, reply


def test_an_async_call_is_acknowledged_only_once_it_is_allowed(client):
    ref = client.start_call(request("later", {"say": "slow 50"}))
    pushes, reply = hear_all(client, ref)
    assert [p["async"] for p in pushes] == [True, False]
    assert pushes[1]["result"] == "one" and reply["status"] == "ok"
    assert is_denied(client, "later", "no")


def test_a_stream_begins_only_once_it_is_allowed(client):
    ref = client.start_call(request("parts", {"say": 3}))
    pushes, _ = hear_all(client, ref)
    assert [p["result"] for p in pushes] == ["init", 0, 1, 2, None]
    ref = client.start_call(request("parts", {"say": -3}))
    pushes, _ = hear_all(client, ref)
    assert [p.get("code") for p in pushes] == ["denied"]


def test_a_call_of_kind_none_says_nothing_unless_it_is_denied(client):
    assert is_denied(client, "told", "no")
    ref = client.start_call(request("told", {"say": "yes"}))
    message = client.hear()
    assert message[1] == ref and message[3] == "phx_reply"
    assert message[4] == {"status": "ok", "response": "told"}


def test_a_thousand_parked_calls_hold_up_nobody(shared):
    before = shared.counter("denied"), shared.counter("client_gone")
    with shared.joined() as parked, shared.joined() as other:
        for number in range(1000):
            parked.start_call(request("patient", {"say": "never"},
                                      request_id=f"p{number}"))
        assert other.call(request("echo", {"a": 1}))[0]["result"] == [1]
        until(lambda: shared.counter("in_flight") >= 1000, 10, "parked")
        # one more is one too many of this client, and only of this one
        assert parked.call(request("echo", {"a": 1}))[0]["code"] == \
            "unavailable"
        assert other.call(request("echo", {"a": 2}))[0]["result"] == [2]
    # their client is gone: nobody is answered, nothing is left, and the node
    # has heard that nobody waits
    until(lambda: shared.counter("in_flight") == 0, 10, "all ended")
    assert shared.counter("denied") == before[0]
    assert shared.counter("client_gone") - before[1] == 1000
    with shared.joined() as client:
        until(lambda: ask(client, "seen")[0]["result"]["cancels"] >= 1000,
              10, "the node knows")


def end(tree, name, number=signal.SIGKILL):
    node = next(s for s in tree.services
                if s.args[-1] == name and s.poll() is None)
    node.send_signal(number)
    return node


def test_a_callback_node_that_is_killed_denies_what_it_was_asked(tree):
    with tree.joined() as client:
        refs = [client.start_call(request("patient", {"say": "never"},
                                          request_id=f"k{n}"))
                for n in range(20)]
        until(lambda: tree.counter("in_flight") >= 20, 10, "all asked")
        end(tree, "one")
        pushes = {}
        while len(pushes) < len(refs):
            message = client.hear()
            if message[3] == "api":
                pushes[message[4]["request_id"]] = message[4]["code"]
        assert set(pushes.values()) == {"denied"}
        assert "reason=lost" in tree.log()


def test_a_callback_node_that_is_stopped_denies_in_time(tree):
    with tree.joined() as client:
        node = end(tree, "one", signal.SIGSTOP)
        try:
            assert is_denied(client, "brief", "yes")
        finally:
            node.send_signal(signal.SIGCONT)


def test_a_node_that_allowed_and_died_is_followed_by_one_that_is_asked(tree):
    """It said yes and was gone before the call could leave."""
    with tree.joined() as client:
        push = ask(client, "mortal", "die_after")[0]
        # the next node is asked as well, allows it and dies as well, or the
        # call had left before the first death was seen
        assert push["code"] in ("not_dispatched", "dispatched_unknown",
                                "denied"), push
        until(lambda: tree.counter("in_flight") == 0, 10, "settled")


def test_a_gateway_that_leaves_says_that_what_was_only_asked_never_ran():
    with GuardTree(gateway="drain_timeout_ms: 200",
                   functions=FUNCTIONS) as tree, tree.joined() as client:
        client.start_call(request("patient", {"say": "never"}))
        until(lambda: tree.counter("in_flight") == 1, 10, "it is asked")
        assert tree.run_banyan("restart", "gateway").returncode == 0
        message = client.hear()
        assert message[3] == "api", message
        assert message[4]["code"] == "draining" and message[4]["can_retry"]
