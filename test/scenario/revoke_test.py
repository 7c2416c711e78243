"""Operators end sessions: kick closes sockets, revoke refuses tokens."""
import time

import pytest

from auth_test import AUTH, facts, good, keys_path, refused  # noqa: F401
from gateway_time_test import counter
from gateway_tree import GatewayTree
from tokens import subprotocol, write_keys
from auth_test import KEY
from tree import until


@pytest.fixture(scope="module", name="tree")
def one_tree(keys):
    write_keys(keys, KEY)
    with GatewayTree(auth=AUTH.format(path=keys, more=", allow_anonymous: "
                                      "true"), more="workers: {gateway: "
                     "{instances: 2}}") as tree:
        yield tree


def kick(tree, user):
    """How many sockets all gateways together closed."""
    said = tree.banyan("kick", user, code=None)
    return sum(i["result"]["closed"] for i in said["instances"])


def test_kick_closes_every_socket_of_one_user_on_every_gateway(tree):
    token = good(sub="kicked")
    clients = [tree.client(headers=subprotocol(token)) for _ in range(8)]
    with tree.joined(headers=subprotocol(good(sub="other"))) as other:
        assert kick(tree, "kicked") == 8
        for client in clients:
            assert client.read_close() == 1001
        assert facts(other)["user_id"] == "other"
        with tree.joined(headers=subprotocol(token)) as back:
            assert facts(back)["user_id"] == "kicked"
            assert kick(tree, "nobody") == 0
            assert kick(tree, "all") == 2
            assert back.read_close() == other.read_close() == 1001


def test_a_kick_that_finds_nobody_is_told_with_what_to_type(tree):
    done = tree.run_banyan("kick", "nobody")
    assert done.returncode == 1 and done.stdout == ""
    assert "no connection of `nobody` is open" in done.stderr
    assert "`banyan conns`" in done.stderr
    assert tree.run_banyan("kick", "nobody", "--json").returncode == 1
    # whoever is there is meant: nobody is everybody, too
    assert tree.run_banyan("kick", "all").returncode == 0


def test_kick_without_a_user_is_a_usage_error(tree):
    assert tree.run_banyan("kick").returncode == 64


def test_a_revoked_user_is_out_at_once_and_a_later_token_is_in(tree):
    issued = int(time.time())
    token = good(sub="bert", iat=issued)
    with tree.joined(headers=subprotocol(token)) as client, \
            tree.joined(headers=subprotocol(good(sub="anna"))) as anna:
        assert tree.banyan("revoke", "bert") == {"changed": 1}
        assert refused(tree, token)
        assert refused(tree, good(sub="bert", iat=issued, jti="another"))
        assert refused(tree, good(sub="bert"))  # says not when
        assert client.read_close() == 1008
        assert facts(anna)["user_id"] == "anna"
        until(lambda: int(time.time()) > issued + 1, 5, "the next second")
        assert not refused(tree, good(sub="bert", iat=int(time.time())))
    assert counter(tree, "sessions_revoked") >= 1


def test_one_token_is_revoked_by_its_jti(tree):
    lost, kept = good(sub="carl", jti="lost"), good(sub="carl", jti="kept")
    with tree.joined(headers=subprotocol(lost)) as client, \
            tree.joined(headers=subprotocol(kept)) as other:
        tree.banyan("revoke", "--jti", "lost")
        assert client.read_close() == 1008
        assert refused(tree, lost) and not refused(tree, kept)
        assert facts(other)["user_id"] == "carl"


def test_revocations_are_listed_survive_a_restart_and_can_be_forgotten(tree):
    token = good(sub="dora", iat=int(time.time()))
    tree.banyan("revoke", "--user", "list")  # a user with an odd name
    tree.banyan("revoke", "dora")
    listed = tree.banyan("revoke", "list")
    assert {"dora", "list"} <= {r.get("user") for r in listed}
    assert all(abs(r["at_ms"] / 1000 - time.time()) < 600 for r in listed)
    for role in ("config_db", "gateway/1", "gateway/2"):
        life = tree.life(role)
        tree.kill(role)
        tree.until(role, state="up", life=life + 1)
    assert refused(tree, token)
    assert tree.banyan("revoke", "forget", "dora") == {"changed": 1}
    until(lambda: not refused(tree, token), 10, "dora is back")
    assert "dora" not in {r.get("user") for r in
                          tree.banyan("revoke", "list")}
    done = tree.run_banyan("revoke", "forget", "dora")
    assert done.returncode == 1 and "is not revoked" in done.stderr


def test_a_revocation_ends_by_itself_and_the_list_says_when(keys):
    write_keys(keys, KEY)
    auth = AUTH.format(path=keys, more=", revoked_ms: {}")
    token = good(sub="emma", iat=int(time.time()))
    with GatewayTree(auth=auth.format(0)) as tree:
        tree.banyan("revoke", "emma")
        tree.banyan("revoke", "--jti", "lost")
        assert [r["until_ms"] for r in tree.banyan("revoke", "list")] == \
            [None, None]
        shown = tree.run_banyan("revoke", "list").stdout
        assert "until it is forgotten" not in shown
        assert "token  lost" in shown and "user   emma" in shown
        assert "it is forgotten" in shown and "_MS" not in shown
        tree.rewrite(tree.file.read_text().replace(
            "revoked_ms: 0", "revoked_ms: 86400000"))
        assert tree.run_banyan("reload").returncode == 0
        assert all(r["until_ms"] == r["at_ms"] + 86400000
                   for r in tree.banyan("revoke", "list"))
        assert refused(tree, token)
        tree.rewrite(tree.file.read_text().replace(
            "revoked_ms: 86400000", "revoked_ms: 1"))
        assert tree.run_banyan("reload").returncode == 0
        tree.kill("config_db")  # it looks after a second, then once a minute
        until(lambda: not refused(tree, token), 20, "emma is back")
        assert "Nobody" in tree.run_banyan("revoke", "list").stdout


@pytest.mark.parametrize("words", [
    ("revoke", "lst"), ("revoke",), ("revoke", ""), ("revoke", "a", "--jti", "b"),
    ("revoke", "x" * 300), ("revoke", "forget")])
def test_a_revocation_that_names_nothing_or_two_is_refused(tree, words):
    before = tree.banyan("revoke", "list")
    assert tree.run_banyan(*words).returncode != 0
    assert tree.banyan("revoke", "list") == before
