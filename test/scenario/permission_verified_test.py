"""Permissions of verified sessions: the token counts, the payload never."""
import pathlib
import sys

import pytest

from gateway_tree import GatewayTree, request
from tokens import Key, subprotocol, write_keys

SERVICE = pathlib.Path(__file__).resolve().parent / "guard_service.py"
KEY = Key("k1")
MAY = {"module": "test", "function": "may"}
FUNCTIONS = [
    {"request_type": "asked", "function": "asked"},
    {"request_type": "known", "function": "who",
     "check_permission": "any_authenticated"},
    {"request_type": "mine", "function": "echo",
     "check_permission": {"arg": "owner"},
     "arg_types": {"owner": "string"}},
    {"request_type": "mine_inside", "function": "echo",
     "check_permission": {"arg": "owner"},
     "arg_types": {"order": "map", "other": {"type": "map",
                                             "allow_nil": True}},
     "arg_orders": "map"},
    {"request_type": "admins", "function": "who",
     "check_permission": {"role": ["admin", "root"]}},
    {"request_type": "guarded", "function": "who",
     "permission_callback": MAY, "arg_types": {"say": "string"}},
]
CLAIM = {"user_id": "root", "user_roles": ["admin", "root"]}


class VerifiedTree(GatewayTree):
    def start_node(self, name):
        return self.start_service(
            [sys.executable, str(SERVICE)],
            f"ipc://{self.run}/services/{name}.ipc", name)


@pytest.fixture(scope="module", name="tree")
def started(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    write_keys(path, KEY)
    with VerifiedTree(auth=f"mode: jwt, jwt_keys: {path}",
                      functions=FUNCTIONS, nodes=("one",)) as tree:
        yield tree


def joined(tree, **claims):
    return tree.joined(headers=subprotocol(KEY.sign(**claims)))


def allows(client, name, args=None, **fields):
    push, _ = client.call(request(name, args, **fields))
    if not push["success"]:
        assert (push["code"], push["error"]) == \
            ("denied", "Permission denied")
    return push["success"]


def test_any_authenticated_lets_a_verified_user_pass(tree):
    with joined(tree) as client:
        assert allows(client, "known")


def test_arg_lets_a_user_have_what_is_his(tree):
    with joined(tree, sub="anna") as client:
        assert allows(client, "mine", {"owner": "anna"})
        assert not allows(client, "mine", {"owner": "bert"})
        assert not allows(client, "mine", {"owner": "root"}, **CLAIM)
        assert allows(client, "mine_inside", {"order": {"owner": "anna"}})
        assert not allows(client, "mine_inside", {
            "order": {"owner": "bert"}, "other": {"owner": "anna"}})


def test_role_wants_a_role_of_the_token(tree):
    with joined(tree, roles=["viewer", "admin"]) as client:
        assert allows(client, "admins")
    with joined(tree, roles=["viewer"]) as client:
        assert not allows(client, "admins")
    with joined(tree) as client:
        assert not allows(client, "admins")


def test_a_payload_cannot_make_itself_an_admin(tree):
    """fault S2: another user and roles than the socket's, and on record."""
    before = tree.counter("identity_claims"), tree.counter("denied")
    with joined(tree, sub="anna", roles=["viewer"]) as client:
        assert not allows(client, "admins", **CLAIM)
        assert not allows(client, "mine", {"owner": "root"}, **CLAIM)
    assert tree.counter("identity_claims") == before[0] + 2
    assert tree.counter("denied") == before[1] + 2
    log = tree.log()
    assert "identity_claimed" in log
    assert "permission_denied user_id=anna" in log


def test_a_callback_hears_of_the_sessions_user_and_roles_only(tree):
    with joined(tree, sub="anna", roles=["viewer"]) as client:
        assert allows(client, "guarded", {"say": "yes"}, **CLAIM)
        push, _ = client.call(request("asked"))
        question = push["result"][2][0]
    assert question["user_id"] == "anna"
    assert question["user_roles"] == ["viewer"]
