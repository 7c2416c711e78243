"""Which node serves a call: the modes of choice, seen by a client."""
import json

import pytest

from gateway_tree import GatewayTree, request
from tree import until

CALLS = 40


def mode(name, choose, **fields):
    return {"request_type": name, "function": "who", "nodes": ["one", "two"],
            "choose_node_mode": choose, **fields}


MODES = [mode("random", "random"), mode("turns", "round_robin"),
         mode("turns_too", "round_robin"), mode("by_id", "hash"),
         mode("by_key", {"hash": "key"})]


@pytest.fixture(scope="module", name="client")
def joined_client():
    with GatewayTree() as tree:
        for given in MODES:
            fields = dict(given)
            config = {"service": "test", "mfa": {
                "module": "test", "function": fields.pop("function")},
                **fields}
            if fields["request_type"] == "by_key":
                config["arg_types"] = {"key": "string"}
            done = tree.run_banyan("functions", "add", json.dumps(config))
            assert done.returncode == 0, done.stderr
        with tree.joined() as client:
            yield client


def who(client, request_type, args=None, request_id="r1"):
    push, _ = client.call(
        request(request_type, args, request_id=request_id))
    assert push["success"], push
    return push["result"]


def test_random_uses_every_node(client):
    """Missing one of two in 40 throws: once in 5 · 10^11 runs."""
    assert {who(client, "random") for _ in range(CALLS)} == {"one", "two"}


def test_round_robin_takes_turns_for_each_function_alone(client):
    mine = [who(client, "turns") for _ in range(4)]
    who(client, "turns_too")
    mine += [who(client, "turns") for _ in range(4)]
    assert mine == [mine[0], mine[1]] * 4 and mine[0] != mine[1]


def test_hash_keeps_a_request_id_on_its_node(client):
    for number in range(8):
        name = f"id-{number}"
        assert len({who(client, "by_id", request_id=name)
                    for _ in range(4)}) == 1


def test_hash_by_key_keeps_a_value_on_its_node_and_spreads_values(client):
    nodes = {}
    for number in range(CALLS):
        key = f"user-{number}"
        nodes[key] = who(client, "by_key", {"key": key},
                         request_id=f"a{number}")
        assert nodes[key] == who(client, "by_key", {"key": key},
                                 request_id=f"b{number}")
    assert set(nodes.values()) == {"one", "two"}


def test_the_trees_own_nodes_are_shown_and_only_operators_name_them():
    with GatewayTree() as tree:
        for name, nodes in (("pooled", "local"), ("related", ["relay"])):
            done = tree.run_banyan("functions", "add", json.dumps(
                {"service": "test", "request_type": name, "nodes": nodes,
                 "mfa": {"module": "m", "function": "f"}}))
            assert done.returncode == 0, done.stderr
        until(lambda: tree.node("local") and tree.node("relay"), 10, "nodes")
        assert tree.node("local")["is_own"] and tree.node("relay")["is_own"]
        assert tree.node("local")["url"].endswith("/worker_pool.link")
        assert tree.node("relay")["url"].endswith("/relay.link")
        assert not tree.node("one")["is_own"]
        # a node that is down, or one that knows no such function: an error
        with tree.joined() as client:
            push, _ = client.call(request("pooled"))
            assert push["success"] is False and push["code"] != "not_found"
