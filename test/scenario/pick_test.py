"""Nodes picked for each call by a function of the tree's own pool."""
import json
import pathlib
import signal

import pytest

from gateway_tree import GatewayTree, request
from tree import until

HERE = pathlib.Path(__file__).resolve().parent
POOLS = "pools: " + json.dumps({"list": [{
    "name": "default", "worker_profile": "process", "pool_size": 1,
    "adapter": "python", "modules": ["pick_module"],
    "python_path": str(HERE), "startup_batch_delay_ms": 10}]})
RESOLVED = {"resolver": ["pick_module", "resolve", ["extra"]]}
SAY = {"arg_types": {"say": "string"}}
FUNCTIONS = [
    {"request_type": "last", "nodes": "local",
     "mfa": ["pick_module", "last", []]},
    {"request_type": "resolved", "function": "who", "nodes": RESOLVED, **SAY},
    {"request_type": "turns", "function": "who", "nodes": RESOLVED, **SAY,
     "choose_node_mode": "round_robin"},
    {"request_type": "chosen", "function": "who", "nodes": ["one", "two"],
     "choose_node_mode": {"custom": ["pick_module", "choose", [1]]}, **SAY},
    {"request_type": "later", "function": "who", "nodes": RESOLVED, **SAY,
     "response_type": "async"},
    {"request_type": "mine", "function": "who", "nodes": RESOLVED, **SAY,
     "check_permission": "any_authenticated"},
    {"request_type": "echo", "arg_types": {"a": "any"}},
]


class PickTree(GatewayTree):
    def __init__(self):
        super().__init__(more=POOLS, functions=FUNCTIONS)


@pytest.fixture(scope="module", name="tree")
def started():
    with PickTree() as tree:
        until(lambda: tree.node("local").get("state") == "live", 20, "pools")
        with tree.joined() as client:
            until(lambda: ask(client, "resolved", "one")["success"], 20,
                  "the pool answers")
        yield tree


@pytest.fixture(name="client")
def joined(tree):
    with tree.joined() as client:
        yield client


def ask(client, name, say=None):
    return client.call(request(name, {} if say is None else {"say": say}))[0]


def test_a_resolver_names_the_nodes_of_each_call(client):
    for name in ("one", "two", "two", "one"):
        assert ask(client, "resolved", name)["result"] == name
    assert {ask(client, "resolved", "one two")["result"]
            for _ in range(40)} == {"one", "two"}
    assert ask(client, "last")["result"] == ["resolve", "resolved", "extra"]


def test_the_mode_of_choice_holds_among_the_nodes_it_names(client):
    names = [ask(client, "turns", "one two")["result"] for _ in range(6)]
    assert names == [names[0], names[1]] * 3 and names[0] != names[1]
    # a dead node among them is passed over
    assert ask(client, "turns", "gone two")["result"] == "two"


def test_a_resolver_that_names_no_node_fails_its_call(tree, client):
    before = tree.counter("picks_failed")
    for say in ("", "fail", "number", "local", "relay"):
        push = ask(client, "resolved", say)
        assert (push["code"], push["error"]) == (
            "internal", "Internal Server Error"), (say, push)
    assert tree.counter("picks_failed") == before + 5
    assert ask(client, "resolved", "gone")["code"] == "not_dispatched"


def test_a_url_that_may_not_be_dialled_is_no_way_out(client):
    push = ask(client, "resolved", "tcp://192.0.2.1:9")
    assert push["code"] == "not_dispatched"


def test_a_node_heard_of_for_the_first_time_gets_a_moment(tree, client):
    url = f"ipc://{tree.run}/services/fresh.ipc"
    tree.start_node("fresh")
    until(lambda: (tree.run / "services" / "fresh.ipc").exists(), 10, "bound")
    assert ask(client, "resolved", url)["result"] == "fresh"


def test_a_resolver_may_name_more_nodes_than_a_function_can_hold(
        tree, client):
    for number in range(300):
        push = ask(client, "resolved", f"passing-{number} one")
        assert push.get("result") == "one", push
    until(lambda: ask(client, "resolved", "two")["success"], 10,
          "there is room for other nodes again")
    until(lambda: not tree.node("passing-1"), 10, "the old ones are let go")


def test_a_chooser_puts_one_node_first(client):
    for name in ("one", "two", "two", "one"):
        assert ask(client, "chosen", name)["result"] == name
    assert ask(client, "last")["result"] == ["choose", ["one", "two"], 1]
    for say in ("three", "fail", "gone"):
        assert ask(client, "chosen", say)["code"] == "internal"


def test_an_async_call_is_acknowledged_and_then_picked(client):
    client.start_call(request("later", {"say": "two"}))
    heard = []
    while len(heard) < 2:
        message = client.hear()
        if message[3] == "api":
            heard.append(message[4])
    assert [m["async"] for m in heard] == [True, False]
    assert heard[1]["result"] == "two"


def test_a_denied_call_asks_nobody(client):
    ask(client, "chosen", "one")
    assert ask(client, "mine", "one")["code"] == "denied"
    assert ask(client, "last")["result"][0] == "choose"


def test_without_its_pool_a_call_fails_and_others_go_on(client, tree):
    pid = tree.kill("worker_pool", signal.SIGSTOP)
    try:
        client.start_call(request("resolved", {"say": "one"}))
        until(lambda: tree.pid("worker_pool") != pid, 20, "it is replaced")
        message = client.hear()
        assert message[4]["code"] == "internal", message
    finally:
        until(lambda: tree.node("local").get("state") == "live", 20, "pools")
    client.hear()
    assert ask(client, "echo", None)["code"] == "invalid_argument"
