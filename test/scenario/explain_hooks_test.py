"""`banyan inspect` where others have a word: hooks, permission callbacks,
functions that run in the tree's own pools. They are named, in the order in
which they would be asked, and not asked; what comes behind them is foretold,
and is what happens when they let the request pass as it is."""
import json
import random

import pytest

from control_wire import Control
from gateway_tree import request
from hooks_test import FUNCTIONS, HookTree, ask, hooked, seen
from tree import until

ROUNDS, BATCH = 30, 100
MORE = [
    hooked("before_only", after_execute=None),
    hooked("typed_before", after_execute=None, arg_types={"say": "num"},
           arg_orders=["say"]),
    seen("in_pool", "echo", arg_types={"say": "any"}),
    seen("gated", "echo", arg_types={"may": "string"},
         permission_callback=["hook_module", "may"]),
    seen("gated_hooked", "echo", arg_types={"may": "string"},
         permission_callback=["hook_module", "may"],
         before_execute="before"),
]
NAMES = ["both", "before_only", "typed_before", "typed", "denied", "lost",
         "in_pool", "gated", "gated_hooked", "encoded", "all", "plain",
         "lacking", "nobody"]


@pytest.fixture(scope="module", name="tree")
def started():
    names = {f["request_type"] for f in MORE}
    with HookTree(functions=[f for f in FUNCTIONS
                             if f["request_type"] not in names] +
                  MORE) as tree:
        yield tree


def made(rng, number):
    name = rng.choice(NAMES)
    args = {"say": rng.choice([1, 2.5, "x", None, True, [1]])}
    if name.startswith("gated"):
        args = {"may": rng.choice(["yes", "no", 7])}
    if rng.random() < 0.1:
        args["unknown"] = 1
    if rng.random() < 0.05:
        args = rng.choice([7, []])
    return {"service": "test", "request_type": name,
            "request_id": f"r{number}", "args": args}


def inspect(control, requests):
    reply = json.loads(control.ask(json.dumps(
        {"op": "inspect", "args": {"json": requests}}).encode()))
    assert reply["ok"], reply
    return reply["result"]["predictions"]


def kinds(said):
    return [one["kind"] for one in said["asks"]]


def agree(sent, said, push):
    asked = kinds(said)
    if said["outcome"] in ("asks_hook", "asks_callback"):
        assert asked and (said["node"], said["candidates"]) == (None, [])
        said = said["then"]
        args = sent["args"] if isinstance(sent["args"], dict) else {}
        if "permission_callback" in asked and args.get("may") != "yes":
            assert push["code"] == "denied", (sent, said, push)
            return "denied by the callback"
    if said["outcome"] == "refused":
        assert (push["code"], push["error"]) == \
            (said["code"], said["error"]), (sent, said, push)
        return said["code"]
    assert said["outcome"] == "dispatched", (sent, said)
    assert push["success"], (sent, said, push)
    assert said["node"] in said["candidates"]
    return "ok"


def test_what_is_foretold_behind_those_who_are_asked_is_what_happens(tree):
    rng = random.Random(11)
    control = Control(tree.run / "control.ipc")
    outcomes = {}
    try:
        with tree.joined() as client:
            for first in range(0, ROUNDS * BATCH, BATCH):
                requests = [made(rng, first + n) for n in range(BATCH)]
                said = inspect(control, requests)
                for sent, foretold in zip(requests, said):
                    push, _ = client.call(sent)
                    how = agree(sent, foretold, push)
                    outcomes[how] = outcomes.get(how, 0) + 1
    finally:
        control.close()
    assert {"ok", "denied by the callback", "denied", "invalid_argument",
            "not_found", "invalid_payload", "not_dispatched"} <= set(outcomes), outcomes


def test_nobody_is_asked_by_a_dry_run(tree):
    def figures():
        return [{n: p["counters"][n] for n in (
            "calls", "hooks_run", "permissions_asked", "dispatched")}
                for p in tree.banyan("stats")["processes"]
                if p["role"] == "gateway"]
    with tree.joined() as client:
        ask(client, "forget")
        before = figures()
        for name in NAMES:
            tree.run_banyan("inspect", json.dumps(
                request(name, {"say": "x", "may": "yes"})))
        assert figures() == before
        for kind in ("before", "after", "encode"):
            assert ask(client, "count", kind=kind)["result"] == 0


def test_all_are_named_in_the_order_in_which_they_are_asked(tree):
    said = tree.banyan("inspect", json.dumps(
        request("all", {"say": "x"})))["prediction"]
    assert said["outcome"] == "asks_hook"
    assert said["asks"] == [
        {"kind": kind, "name": name, "args": args, "reachable": True,
         "mfa": {"module": "hook_module", "function": name}}
        for kind, name, args in (("before_execute", "before", 2),
                                 ("result_encoder", "encode", 1),
                                 ("after_execute", "after", 3))]
    assert said["then"] == {"outcome": "dispatched", "stage": "execution",
                            "node": "one", "candidates": ["one"]}
    both = tree.banyan("inspect", json.dumps(
        request("gated_hooked", {"may": "yes"})))["prediction"]
    assert kinds(both) == ["before_execute", "permission_callback"]
    assert both["then"]["node"] == "local"
    # an after hook sees a refusal too; an encoder sees results only
    refused = tree.banyan("inspect", json.dumps(
        request("shown", {"unknown": 1})), code=1)["prediction"]
    assert (refused["code"], kinds(refused)) == \
        ("invalid_argument", ["after_execute"])
    assert "then" not in refused
    plain = tree.banyan("inspect", json.dumps(
        request("plain", {"say": 1})))["prediction"]
    assert plain["asks"] == [] and plain["outcome"] == "dispatched"


def test_the_page_says_that_nobody_was_asked(tree):
    page = tree.run_banyan("inspect", json.dumps(
        request("both", {"say": "x"}))).stdout
    assert "before_execute hook_module.before/2" in page
    assert "none of them was asked: this is a dry run" in page
    assert "Then, if they let it pass as it is" in page


def test_a_pool_that_is_down_is_said_of_those_who_would_answer(tree):
    tree.run_banyan("stop", "worker_pool")
    try:
        until(lambda: tree.node("local").get("state") != "live", 10, "down")
        said = tree.banyan("inspect", json.dumps(
            request("both", {"say": "x"})))["prediction"]
        assert [one["reachable"] for one in said["asks"]] == [False, False]
        said = tree.banyan("inspect", json.dumps(
            request("in_pool", {"say": "x"})), code=1)["prediction"]
        assert said["outcome"] == "refused"
    finally:
        tree.run_banyan("start", "worker_pool")
        until(lambda: tree.node("local").get("state") == "live", 20, "up")
