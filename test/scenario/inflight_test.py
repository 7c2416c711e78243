"""`banyan conns` and `banyan calls`: who is here, what is under way, on all
gateways; and the end of one of them, with the ledger whole."""
import json

import pytest

from gateway_tree import GatewayTree, request
from tree import until

SLOW = [{"request_type": "slow", "arg_types": {"ms": "num"},
         "timeout": 60000},
        {"request_type": "echo", "arg_types": {"a": "any"}}]


@pytest.fixture(scope="module", name="tree")
def started():
    with GatewayTree(more="workers: {gateway: {instances: 2}}",
                     functions=SLOW, nodes=("one",)) as tree:
        yield tree


def rows(tree, what, *more):
    said = tree.banyan(what, "list", *more)
    return [row for one in said["instances"]
            for row in one["result"][what]]


def test_every_client_is_listed_and_filtered(tree):
    with tree.joined() as one, tree.joined() as two:
        found = until(lambda: (lambda r: r if len(r) == 2 else None)(
            rows(tree, "conns")))
        assert {"id", "user", "is_verified", "peer", "state", "age_ms",
                "idle_ms", "channels", "calls", "bytes_in", "bytes_out",
                "unsent_bytes"} == set(found[0])
        assert all(c["state"] == "open" and c["channels"] == 1
                   and c["peer"].startswith("127.") for c in found)
        assert len({c["id"] for c in found}) == 2
        named = rows(tree, "conns", "--user", found[0]["user"])
        assert [c["id"] for c in named] == [found[0]["id"]]
        assert rows(tree, "conns", "--state", "head") == []
        assert rows(tree, "conns", "--older", 3600000) == []
        page = tree.run_banyan("conns")
        assert page.returncode == 0 and "2 of 2 conns" in page.stdout
        assert found[0]["id"] in page.stdout
        for client in (one, two):
            # the other gateway may have met its node a moment later
            until(lambda c=client: c.call(request("echo", {"a": 1}),
                                          join_ref="1")[0]["success"])


def test_a_killed_connection_is_told_why_and_the_others_stay(tree):
    with tree.joined() as stays, tree.joined() as goes:
        goes.start_call(request("slow", {"ms": 30000}), join_ref="1")
        busy = until(lambda: [c for c in rows(tree, "conns")
                              if c["calls"] == 1])
        done = tree.run_banyan("conns", "kill", busy[0]["id"], "--reason",
                               "maintenance")
        assert done.returncode == 0, done
        kind, data = goes.read()
        assert kind == 8 and data[2:] == b"maintenance"
        assert stays.call(request("echo", {"a": 1}),
                          join_ref="1")[0]["success"]
        again = tree.run_banyan("conns", "kill", busy[0]["id"])
        assert again.returncode == 1 and "no connection has that id" in again.stderr
        until(lambda: len(rows(tree, "conns")) == 1)
    settled(tree)


def test_a_call_in_flight_is_listed_and_ends_with_an_error(tree):
    with tree.joined() as client:
        client.start_call(request("slow", {"ms": 30000}), join_ref="1")
        found = until(lambda: rows(tree, "calls"))
        assert {"id", "request_id", "user", "service", "function", "version",
                "type", "state", "age_ms", "left_ms", "node", "retries",
                "has_client"} == set(found[0])
        assert not found[0]["request_id"].startswith('"')
        assert (found[0]["function"], found[0]["state"], found[0]["node"]) \
            == ("slow", "running", "one")
        assert rows(tree, "calls", "--function", "echo") == []
        assert rows(tree, "calls", "--state", "running", "--limit", 1)
        assert "1 of 1 calls" in tree.run_banyan("calls").stdout
        assert tree.run_banyan(
            "calls", "kill", found[0]["id"]).returncode == 0
        push, reply = client.hear(), client.hear()
        assert push[4]["code"] == "dispatched_unknown"
        assert push[4]["error"] == "The call was ended by an operator"
        assert reply[3] == "phx_reply"
        assert tree.run_banyan(
            "calls", "kill", found[0]["id"]).returncode == 1
        assert client.call(request("echo", {"a": 2}),
                           join_ref="1")[0]["success"]
    settled(tree)
    assert "call_killed" in tree.log()
    audit = (tree.state / "audit.log").read_text()
    assert "op=calls.kill" in audit and "op=conns.kill" in audit


def settled(tree):
    """Each call has ended in exactly one way."""
    def at_rest():
        sums = {}
        for process in tree.banyan("stats")["processes"]:
            if process["role"] == "gateway":
                for name, value in process["counters"].items():
                    sums[name] = sums.get(name, 0) + value
        return sums["calls"] == sum(sums[n] for n in (
            "answered", "failed", "client_gone", "discarded"))
    until(at_rest)


def test_an_id_of_another_life_ends_nobody(tree):
    with tree.joined() as client:
        mine = until(lambda: rows(tree, "conns"))[0]["id"]
        instance, life, serial = mine.split("-")
        stale = f"{instance}-{int(life) + 1}-{serial}"
        for noun in ("conns", "calls"):
            done = tree.run_banyan(noun, "kill", stale)
            assert done.returncode == 1 and done.stdout == ""
            assert "has that id" in done.stderr
            assert f"`banyan {noun}` lists" in done.stderr
        assert client.call(request("echo", {"a": 3}),
                           join_ref="1")[0]["success"]


def test_a_gateway_that_is_down_leaves_the_others_on_the_page(tree):
    assert tree.run_banyan("stop", "gateway/2").returncode == 0
    try:
        said = tree.banyan("conns", "list")
        assert [one["instance"] for one in said["instances"]] == [1]
        assert json.dumps(said)
    finally:
        tree.run_banyan("start", "gateway/2")
