"""Who may call what: the modes of check_permission, seen by clients."""
import json

import pytest

from gateway_tree import GatewayTree, request

LIMITS = """\
rate_limiter:
  api_limits:
    - {service: test, request_type: paid, key: ip_address, max_requests: 2, window_ms: 60000}
"""
PAID = {"request_type": "paid", "check_permission": "any_authenticated"}
FUNCTIONS = [
    {"request_type": "open", "check_permission": False},
    {"request_type": "known", "check_permission": "any_authenticated"},
    {"request_type": "mine", "check_permission": {"arg": "user_id"},
     "arg_types": {"user_id": "string"}},
    {"request_type": "mine_inside", "check_permission": {"arg": "user_id"},
     "arg_types": {"who": "map"}, "arg_orders": "map"},
    {"request_type": "admins", "check_permission": {"role": ["admin"]}},
    PAID,
]


def put(tree, verb, fields):
    done = tree.run_banyan("functions", verb, json.dumps(
        {"service": "test", "nodes": ["one"],
         "mfa": {"module": "test", "function": "echo"}, **fields}))
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", name="tree")
def started():
    with GatewayTree(more=LIMITS) as tree:
        for fields in FUNCTIONS:
            put(tree, "add", fields)
        yield tree


def ask(client, request_type, args=None, **fields):
    return client.call(request(request_type, args, **fields))


def is_denied(client, request_type, args=None, **fields):
    """Denied is exactly these words, pushed, and an ok reply as ever."""
    push, reply = ask(client, request_type, args, **fields)
    if push["success"]:
        return False
    assert push == {
        "request_id": "r1", "result": None, "success": False,
        "error": "Permission denied", "async": False, "has_more": False,
        "can_retry": False, "code": "denied"}
    assert reply == {"status": "ok", "response": request_type}
    return True


def test_false_lets_everybody_pass(tree):
    with tree.joined() as client:
        assert not is_denied(client, "open")


def test_nobody_is_let_in_on_what_his_payload_claims(tree):
    claim = {"user_id": "u1", "user_roles": ["admin"]}
    with tree.joined() as client:
        for name, args in (("known", None), ("mine", {"user_id": "u1"}),
                           ("mine", {"user_id": ""}), ("mine", None),
                           ("mine_inside", {"who": {"user_id": "u1"}}),
                           ("admins", None)):
            assert is_denied(client, name, args, **claim), name


def test_a_denied_call_uses_no_budget(tree):
    with tree.joined() as client:
        for _ in range(5):
            assert is_denied(client, "paid")
        put(tree, "update", {**PAID, "check_permission": False})
        codes = [ask(client, "paid")[0].get("code") for _ in range(3)]
        assert codes == [None, None, "rate_limited"]


def test_denials_are_on_record_and_bounded_in_the_log(tree):
    before = tree.counter("denied")
    with tree.joined() as client:
        for _ in range(200):
            assert is_denied(client, "admins")
        lines = [line for line in tree.log().splitlines()
                 if "permission_denied" in line and "type=admins" in line]
    assert tree.counter("denied") - before == 200
    assert lines and "service=test" in lines[-1]
    assert "mode={role,1}" in lines[-1] and "r1" in lines[-1]
    assert len(lines) < 200
