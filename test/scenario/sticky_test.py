"""{sticky: key}: a value keeps its node, whoever dies meanwhile."""
import json
import signal

import pytest

from gateway_tree import GatewayTree, request
from tree import until

VALUES = [f"user-{n}" for n in range(40)]


@pytest.fixture(name="tree")
def started():
    with GatewayTree() as tree:
        for name in ("stuck", "stuck_too"):
            done = tree.run_banyan("functions", "add", json.dumps({
                "service": "test", "request_type": name,
                "nodes": ["one", "two"], "arg_types": {
                    "key": {"type": "string", "allow_nil": True}},
                "choose_node_mode": {"sticky": "key"},
                "mfa": {"module": "test", "function": "who"}}))
            assert done.returncode == 0, done.stderr
        yield tree


def who(client, name, value, request_id="r1"):
    push, _ = client.call(request(name, {"key": value},
                                  request_id=request_id))
    assert push["success"], push
    return push["result"]


def nodes_of(tree, name="stuck"):
    with tree.joined() as client:
        return {value: who(client, name, value, f"{n}")
                for n, value in enumerate(VALUES)}


def test_a_value_keeps_its_node_and_outlives_the_gateway(tree):
    first = nodes_of(tree)
    assert set(first.values()) == {"one", "two"}
    assert nodes_of(tree) == first
    life = tree.life("gateway/1")
    tree.kill("gateway/1")
    until(lambda: tree.life("gateway/1") > life, 10, "another gateway")
    tree.until("gateway/1", state="up")
    tree.until_live(("one", "two"))
    assert nodes_of(tree) == first


def test_functions_do_not_share_what_sticks(tree):
    """That 40 values fall alike by chance: once in 10^12 runs."""
    assert nodes_of(tree) != nodes_of(tree, "stuck_too")


def test_a_node_that_leaves_loses_its_values_for_good(tree):
    first = nodes_of(tree)
    two = next(s for s in tree.services if s.args[-1] == "two")
    two.send_signal(signal.SIGKILL)
    two.wait()
    until(lambda: tree.node("two").get("state") == "down", 10, "two is gone")
    assert set(nodes_of(tree).values()) == {"one"}
    tree.start_node("two")
    tree.until_live(("one", "two"))
    again = nodes_of(tree)
    assert all(again[v] == "one" for v in VALUES), (first, again)


def test_without_a_value_any_node_serves(tree):
    """Missing one of two in 40 throws: once in 5 · 10^11 runs."""
    with tree.joined() as client:
        assert {who(client, "stuck", None) for _ in range(40)} == \
            {"one", "two"}
