"""`banyan flow`, `flows` and `inspect`: what is foretold is what happens.

A hundred thousand random requests are explained and then really made: class,
text and node agree. One by one where the answer depends on what was called
before (turns, stickiness, limits), by the hundred where it does not.
"""
import json
import pathlib
import random
import re
import sys

import pytest

from control_wire import Control
from gateway_tree import GatewayTree
from tokens import Key, subprotocol, write_keys
from tree import until

SERVICE = pathlib.Path(__file__).resolve().parent / "guard_service.py"
KEY = Key("k1")
ONE_BY_ONE, AT_ONCE, BATCH = 15000, 85000, 500
BOTH = {"function": "who", "nodes": ["one", "two"]}
FUNCTIONS = [
    {"request_type": "random", **BOTH},
    {"request_type": "turns", **BOTH, "choose_node_mode": "round_robin"},
    {"request_type": "hashed", **BOTH, "choose_node_mode": "hash"},
    {"request_type": "by_key", **BOTH, "choose_node_mode": {"hash": "key"},
     "arg_types": {"key": {"type": "string", "allow_nil": True}}},
    {"request_type": "stuck", **BOTH, "choose_node_mode": {"sticky": "key"},
     "arg_types": {"key": {"type": "string", "allow_nil": True}}},
    {"request_type": "half_gone", "function": "who",
     "nodes": ["gone", "two"], "choose_node_mode": "round_robin"},
    {"request_type": "lost", "function": "who", "nodes": ["gone"]},
    {"request_type": "typed", "function": "echo", "arg_orders": "map",
     "arg_types": {"a": "string", "b": "num",
                   "c": {"type": "boolean", "allow_nil": True},
                   "d": {"type": "list_string", "max_items": 3,
                         "allow_nil": True}}},
    {"request_type": "known", "function": "who",
     "check_permission": "any_authenticated"},
    {"request_type": "mine", "function": "echo",
     "check_permission": {"arg": "owner"}, "arg_types": {"owner": "string"}},
    {"request_type": "admins", "function": "who",
     "check_permission": {"role": ["admin", "root"]}},
    {"request_type": "limited", "function": "echo",
     "arg_types": {"key": "string"}},
    {"request_type": "off", "function": "who", "disabled": True},
    {"request_type": "versions", "function": "who", "version": "1.0.0"},
    {"request_type": "versions", "function": "who", "version": "2.0.0"},
    {"request_type": "versions", "function": "who", "version": "3.0.0",
     "disabled": True},
    {"request_type": "guarded", "function": "who",
     "permission_callback": {"module": "test", "function": "may"},
     "arg_types": {"say": "string"}},
]
LIMITS = """\
rate_limiter:
  api_limits:
    - {service: test, request_type: limited, key: user_id, \
max_requests: 40, window_ms: 86400000}
    - {service: test, request_type: limited, key: key, \
max_requests: 3, window_ms: 86400000}
"""
STATELESS = ["hashed", "by_key", "half_gone", "lost", "typed", "known",
             "mine", "admins", "off", "versions", "nobody"]
NAMES = [*STATELESS, "random", "turns", "stuck", "limited"]
USERS = {"anna": ["admin"], "bert": []}


class ExplainedTree(GatewayTree):
    def start_node(self, name):
        return self.start_service(
            [sys.executable, str(SERVICE)],
            f"ipc://{self.run}/services/{name}.ipc", name)


@pytest.fixture(scope="module", name="tree")
def started(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    write_keys(path, KEY)
    with ExplainedTree(auth=f"mode: jwt, jwt_keys: {path}", more=LIMITS,
                       functions=FUNCTIONS) as tree:
        yield tree


@pytest.fixture(scope="module", name="clients")
def all_clients(tree):
    clients = {}
    for user, roles in USERS.items():
        clients[user] = tree.client(
            headers=subprotocol(KEY.sign(sub=user, roles=roles)))
        clients[user].joined_as = clients[user].join("api:lobby")[0]
    yield clients
    for client in clients.values():
        client.socket.close()


# --- random requests ---

def value(rng):
    return rng.choice([
        lambda: rng.choice(["anna", "bert", "x", "", "ü" * 3, "y" * 3100]),
        lambda: rng.randrange(-5, 5), lambda: rng.random() * 10,
        lambda: None, lambda: rng.random() < 0.5,
        lambda: [value(rng) for _ in range(rng.randrange(4))],
        lambda: {"owner": rng.choice(["anna", "bert"])},
        lambda: f"key-{rng.randrange(50)}"])()


def sane_args(rng, name):
    return {"typed": lambda: {"a": "x", "b": rng.randrange(9)},
            "mine": lambda: {"owner": rng.choice(list(USERS))},
            "limited": lambda: {"key": f"key-{rng.randrange(30)}"},
            "by_key": lambda: {"key": f"key-{rng.randrange(99)}"},
            "stuck": lambda: {"key": f"key-{rng.randrange(99)}"},
            }.get(name, dict)()


def made(rng, names, number):
    name = rng.choice(names)
    request = {"service": "test", "request_type": name,
               "request_id": f"r{number}", "args": sane_args(rng, name)}
    if rng.random() < 0.4:
        for key in rng.sample(["a", "b", "c", "d", "owner", "key"],
                              rng.randrange(4)):
            request["args"][key] = value(rng)
    if rng.random() < 0.2:
        request["version"] = rng.choice(["1.0.0", "2.0.0", "3.0.0", "7.0.0"])
    if rng.random() < 0.1:
        request["user_id"] = rng.choice(["anna", "root"])
    if rng.random() < 0.1:
        request[rng.choice(["service", "request_type", "args", "version",
                            "device_id"])] = value(rng)
    if rng.random() < 0.05:
        del request[rng.choice(["service", "request_type", "args"])]
    return request


# --- both sides ---

def explain(control, requests, user):
    reply = json.loads(control.ask(json.dumps({
        "op": "inspect", "args": {
            "json": requests, "user": user,
            "roles": ",".join(USERS[user])}}).encode()))
    assert reply["ok"], reply
    return reply["result"]


def same_text(a, b):
    """Seconds run on between the two."""
    if "retry after" in a:
        a, b = (re.sub(r"\d+", "N", text) for text in (a, b))
    return a == b


def is_chance(request):
    """Without its key a choice is random: fine one by one, not by many."""
    args = request.get("args")
    return request.get("request_type") == "by_key" and not (
        isinstance(args, dict) and args.get("key"))


def agree(request, said, push, by_many=False):
    if said["outcome"] == "refused":
        assert not push["success"], (request, said, push)
        assert push["code"] == said["code"], (request, said, push)
        assert same_text(push["error"], said["error"]), (request, said, push)
        assert said["node"] is None or said["stage"] == "node_selection"
        return
    assert said["outcome"] == "dispatched", (request, said)
    assert push["success"], (request, said, push)
    if push["result"] in ("one", "two"):
        if not (by_many and is_chance(request)):
            assert push["result"] == said["node"], (request, said, push)
        assert push["result"] in said["candidates"]


def test_what_depends_on_what_was_before_is_foretold_one_by_one(tree,
                                                                 clients):
    rng = random.Random(7)
    control = Control(tree.run / "control.ipc")
    seen = set()
    try:
        for number in range(ONE_BY_ONE):
            user = rng.choice(list(USERS))
            request = made(rng, NAMES, number)
            said = explain(control, [request], user)["predictions"][0]
            client = clients[user]
            push, _ = client.call(request, join_ref=client.joined_as)
            agree(request, said, push)
            seen.add(said.get("code", "ok"))
    finally:
        control.close()
    assert {"ok", "rate_limited", "denied", "not_found", "disabled",
            "invalid_argument", "invalid_payload", "missing_field",
            "not_dispatched"} <= seen


def test_what_depends_on_nothing_is_foretold_by_the_hundred(tree, clients):
    rng = random.Random(8)
    control = Control(tree.run / "control.ipc")
    try:
        for first in range(0, AT_ONCE, BATCH):
            user = rng.choice(list(USERS))
            client = clients[user]
            requests = [made(rng, STATELESS, first + n)
                        for n in range(BATCH)]
            said = explain(control, requests, user)["predictions"]
            refs = [client.start_call(request, join_ref=client.joined_as)
                    for request in requests]
            heard = {}
            for _ in range(BATCH):  # each push has its reply behind it
                push, reply = client.hear(), client.hear()
                heard[reply[1]] = push[4]
            assert len(heard) == BATCH
            for request, ref, foretold in zip(requests, refs, said):
                agree(request, foretold, heard[ref], by_many=True)
    finally:
        control.close()


def test_explaining_counts_and_consumes_nothing(tree):
    def figures():
        stats = tree.banyan("stats")["processes"]
        return [{n: p["counters"][n] for n in (
            "calls", "answered", "failed", "denied", "rate_limited",
            "dispatched", "identity_claims")}
                for p in stats if p["role"] == "gateway"]
    before = figures()
    rng = random.Random(9)
    control = Control(tree.run / "control.ipc")
    try:
        requests = [made(rng, NAMES, n) for n in range(500)]
        first = explain(control, requests, "bert")
        again = explain(control, requests, "bert")
    finally:
        control.close()
    for one_said, other in zip(first["predictions"], again["predictions"]):
        one_said.pop("retry_after_ms", None), other.pop("retry_after_ms", None)
        if "error" in one_said:
            assert same_text(one_said.pop("error"), other.pop("error"))
        assert one_said == other, "nothing was used up"
    assert figures() == before


# --- what one request is told ---

def inspect(tree, request, *more, code=0):
    return tree.banyan("inspect", json.dumps(request), *more, code=code)


def one(name, args=None, **fields):
    return {"service": "test", "request_type": name, "request_id": "q",
            "args": args or {}, **fields}


def test_inspect_echoes_the_request_and_shows_the_plan(tree):
    said = inspect(tree, one("hashed", device_id="d1"), "--user", "anna")
    assert said["request"] == {
        "service": "test", "request_type": "hashed", "version": None,
        "user_id": "anna", "device_id": "d1", "request_id": "q"}
    assert said["prediction"]["outcome"] == "dispatched"
    assert said["steps"][0]["phase"] == "channel"
    assert said["steps"][-1]["phase"] == "response"
    page = tree.run_banyan("inspect", json.dumps(one("hashed")))
    assert "Execution Plan" in page.stdout and "next:" not in page.stdout
    assert "Then, if" not in page.stdout, "nobody is asked"
    assert "Then, if" in tree.run_banyan(
        "inspect", json.dumps(one("guarded", {"say": "yes"}))).stdout


def test_limits_show_their_headroom_without_using_it(tree):
    request = one("limited", {"key": "headroom"})
    for _ in range(3):
        said = inspect(tree, request, "--user", "dora")
        own = {limit["key"]: limit for limit in
               said["checks"]["rate_limit"]["api"]}
        assert (own["key"]["used"], own["key"]["remaining"]) == (0, 3)
        assert own["user_id"]["remaining"] == 40


def test_each_check_is_told_even_when_an_earlier_one_refuses(tree):
    said = inspect(tree, one("mine", {"owner": 4}), "--user", "anna", code=1)
    assert said["prediction"]["stage"] == "permission"
    assert said["checks"]["permission"]["error"] == "Permission denied"
    assert said["checks"]["arguments"]["code"] == "invalid_argument"
    page = tree.run_banyan("inspect", json.dumps(one("mine")), "--user", "u")
    assert page.returncode == 1
    assert page.stdout.splitlines()[-1].startswith("next: banyan ")


def test_a_callback_is_named_and_not_called(tree):
    said = inspect(tree, one("guarded", {"say": "yes"}), "--user", "anna")
    assert said["prediction"]["outcome"] == "asks_callback"
    assert said["permission"]["mfa"] == {"module": "test", "function": "may"}
    assert [a["kind"] for a in said["prediction"]["asks"]] == \
        ["permission_callback"]
    assert said["prediction"]["then"]["outcome"] == "dispatched"
    assert inspect(tree, one("guarded", {"say": 4}), "--user", "anna")[
        "prediction"]["then"]["code"] == "invalid_argument"
    assert all(p["counters"]["permissions_asked"] == 0
               for p in tree.banyan("stats")["processes"]
               if p["role"] == "gateway")


def test_a_guest_is_told_what_a_guest_would_hear(tree):
    said = inspect(tree, one("known", user_id="anna"), "--unverified", code=1)
    assert said["prediction"]["code"] == "denied"
    assert inspect(tree, one("known", user_id="anna"))["prediction"][
        "outcome"] == "dispatched"
    assert inspect(tree, one("known"), "--unverified", "--topic",
                   "secure:1", code=1)["prediction"]["error"] == \
        "Authentication required"
    assert tree.run_banyan("inspect", json.dumps(one("known")), "--topic",
                           "nowhere").returncode == 1


def test_a_request_nobody_can_read_is_told_as_the_client_would_hear(tree):
    said = inspect(tree, {"service": "test"}, code=1)
    assert said["prediction"]["code"] == "missing_field"
    assert "steps" not in said
    for nothing in ("{", "[]"):
        assert tree.run_banyan("inspect", nothing).returncode == 64
    page = tree.run_banyan("inspect", json.dumps(one("nobody")))
    assert "unsupported function: nobody version latest" in page.stdout
    assert page.stdout.splitlines()[-1] == "next: banyan flows --all"


# --- flows ---

def test_a_flow_is_what_the_executor_resolves(tree):
    flow = tree.banyan("flow", "test", "versions")
    assert flow["version"] == "2.0.0", "the highest that is enabled"
    assert tree.banyan("flow", "test", "versions", "--version",
                       "1.0.0")["version"] == "1.0.0"
    gone = tree.banyan("flow", "test", "versions", "--version", "7.0.0",
                       code=1)
    assert (gone["config"], gone["error"]) == (None, "not_found")
    assert [s["phase"] for s in gone["steps"]] == ["config_lookup"]
    meant = {"service": "test", "request_type": "versions"}
    assert tree.banyan("flow", "test", "verisons", code=1)[
        "did_you_mean"] == meant
    page = tree.run_banyan("flow", "tset", "versions")
    assert page.returncode == 1
    assert page.stdout.splitlines()[-1] == "next: banyan flow test versions"
    page = tree.run_banyan("flow", "nobody", "knows_this")
    assert page.stdout.splitlines()[-1] == "next: banyan flows --all"
    off = tree.banyan("flow", "test", "off", code=1)
    assert off["error"] == "disabled"


@pytest.mark.parametrize("name, mode", [
    ("random", "random"), ("turns", "round_robin"), ("hashed", "hash"),
    ("by_key", {"hash": "key"}), ("stuck", {"sticky": "key"})])
def test_a_flow_has_every_field_whatever_the_strategy(tree, name, mode):
    flow = tree.banyan("flow", "test", name)
    assert {"service", "request_type", "version", "config", "local", "nodes",
            "reachable_nodes", "unreachable_nodes", "response_type",
            "choose_node_mode", "timeout", "mfa", "rate_limit", "permission",
            "hooks", "retry", "steps"} <= set(flow)
    assert flow["choose_node_mode"] == mode
    assert flow["config"]["request_type"] == name
    assert set(flow["reachable_nodes"]) == {"one", "two"}
    assert tree.run_banyan("flow", "test", name).returncode == 0


@pytest.mark.parametrize("name, strategy", [
    ("random", "none"), ("known", "authenticated"), ("mine", "arg_based"),
    ("admins", "role_based"), ("guarded", "custom_mfa")])
def test_a_flow_tells_every_kind_of_permission(tree, name, strategy):
    permission = tree.banyan("flow", "test", name)["permission"]
    assert permission["strategy"] == strategy and permission["description"]


def test_a_flow_shows_limits_and_nodes_as_they_are(tree):
    flow = tree.banyan("flow", "test", "limited")
    assert flow["rate_limit"]["api"] == [
        {"scope": "api", "key": "user_id", "max_requests": 40,
         "window_ms": 86400000},
        {"scope": "api", "key": "key", "max_requests": 3,
         "window_ms": 86400000}]
    half = tree.banyan("flow", "test", "half_gone")
    assert (half["reachable_nodes"], half["unreachable_nodes"]) == \
        (["two"], ["gone"])
    page = tree.run_banyan("flow", "test", "half_gone")
    assert "(1/2 reachable)" in page.stdout
    assert page.stdout.splitlines()[-1] == "next: banyan nodes"


def test_flows_lists_all_and_with_all_the_disabled_ones_too(tree):
    enabled = tree.banyan("flows")
    names = {f["request_type"] for f in enabled["flows"]}
    assert "off" not in names and {"random", "guarded"} <= names
    everything = tree.banyan("flows", "--all")
    assert everything["total"] == len(FUNCTIONS)
    off = next(f for f in everything["flows"] if f["request_type"] == "off")
    assert off == {"service": "test", "request_type": "off", "version": None,
                   "disabled": True, "status": "disabled"}
    page = tree.run_banyan("flows", "--all").stdout
    assert "[DISABLED]" in page and f"Total: {len(FUNCTIONS)}" in page
    assert len(tree.banyan("flows", "--limit", 2)["flows"]) == 2
    whole = tree.banyan("flows", "--all", "--detail")["flows"]
    assert len(whole) == len(FUNCTIONS)
    hashed = next(f for f in whole if f["request_type"] == "hashed")
    flow = tree.banyan("flow", "test", "hashed")
    flow.pop("config")
    assert hashed == {**flow, "disabled": False}
    assert tree.run_banyan("flows", "--detail", "--limit",
                           501).returncode == 64
    assert "(no registered configs)" in tree.run_banyan(
        "flows", "--service", "none").stdout


def test_one_of_several_gateways_answers_for_all(tree):
    until(lambda: tree.banyan("flows")["total"] > 0)
    assert "instances" not in tree.banyan("flow", "test", "random")
