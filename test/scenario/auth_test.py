"""Who a client is: tokens at the door, on live sockets, and all that lie."""
import collections
import json
import socket
import threading
import time

import pytest

from gateway_time_test import counter
from gateway_tree import GatewayTree, request
from phoenix_client import StockClient, stock_client_is_here
from tokens import Key, encode, subprotocol, write_keys
from tree import until

KEY = Key("k1")
AUTH = ("mode: jwt, jwt_keys: {path}, jwt_issuer: us, jwt_audiences: [api], "
        "jwt_leeway_ms: 0, expiring_ms: 2000{more}")


def good(**claims):
    return KEY.sign(**{"iss": "us", "aud": "api", **claims})


def jwt_tree(path, more="", **how):
    write_keys(path, KEY)
    return GatewayTree(auth=AUTH.format(path=path, more=more), **how)


@pytest.fixture(scope="module", name="keys")
def keys_path(tmp_path_factory):
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture(scope="module", name="tree")
def one_tree(keys):
    with jwt_tree(keys) as tree:
        yield tree


def knock(tree, query="", headers=()):
    """The status line and the body of an upgrade."""
    lines = [f"GET /socket/websocket?vsn=2.0.0{query} HTTP/1.1", "Host: h",
             "Upgrade: websocket", "Connection: Upgrade",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
             "Sec-WebSocket-Version: 13", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", tree.port), 10) as s:
        s.sendall("\r\n".join(lines).encode())
        data = b""
        while b"\r\n\r\n" not in data:
            part = s.recv(65536)
            if not part:
                break
            data += part
    head, _, body = data.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0].decode(), body


def refused(tree, token):
    line, body = knock(tree, headers=subprotocol(token))
    return line == "HTTP/1.1 403 Forbidden" and body == b""


def facts(client, **fields):
    push, _ = client.call(request("info", **fields))
    assert push["success"], push
    return push["result"][0]


# --- at the door ---

def test_a_token_comes_by_subprotocol_header_or_query(tree):
    token = good()
    for how in ({"headers": subprotocol(token)},
                {"headers": (f"Authorization: Bearer {token}",)},
                {"headers": (f"authorization: bearer  {token}",)},
                {"query": f"&token={token}"}):
        with tree.joined(**how) as client:
            assert facts(client)["user_id"] == "anna"
            assert "headers" not in how or "phoenix" not in str(how) or \
                "Sec-WebSocket-Protocol: phoenix" in client.head


def test_a_verified_session_may_call_on_a_default_channel(tree):
    with tree.client(headers=subprotocol(good(sub="bert"))) as client:
        assert client.join("secure:a")[1] == "ok"
        push, _ = client.call(request("info"), topic="secure:a",
                              event="phoenix_gen_api")
        assert push["result"][0]["user_id"] == "bert"


def test_without_a_token_nobody_gets_in(tree):
    assert knock(tree) == ("HTTP/1.1 403 Forbidden", b"")
    assert knock(tree, "&token=") == ("HTTP/1.1 403 Forbidden", b"")
    assert knock(tree, headers=("Authorization: Basic YTpi",))[0] == \
        "HTTP/1.1 403 Forbidden"
    assert knock(tree, headers=("Authorization: Bearer a",
                                "Authorization: Bearer b"))[0] == \
        "HTTP/1.1 400 Bad Request"


def forged(name):
    head, claims, tag = good().split(".")
    now = int(time.time())
    none = encode({"alg": "none"})
    return {
        "alg none": f"{none}.{claims}.",
        "alg none with a signature": f"{none}.{claims}.{tag}",
        "another key": Key("k1", b"x" * 32).sign(iss="us", aud="api"),
        "an unknown kid": Key("k2").sign(iss="us", aud="api"),
        "a kid that is a path": KEY.sign({"kid": "../../dev/null"},
                                         iss="us", aud="api"),
        "its own key": KEY.sign({"jwk": KEY.jwk(), "kid": "mine"},
                                iss="us", aud="api"),
        "expired": good(exp=now - 1),
        "not yet": good(nbf=now + 60),
        "from the future": good(iat=now + 60),
        "without exp": good(exp=None),
        "another issuer": good(iss="them"),
        "another audience": good(aud=["web"]),
        "without user": good(sub=None),
        "a guest's name": good(sub="guest:1-1-1"),
        "changed claims": f"{head}.{encode({'sub': 'root'})}.{tag}",
        "no signature": f"{head}.{claims}.",
        "two parts": f"{head}.{claims}",
        "four parts": f"{head}.{claims}.{tag}.x",
        "padding": f"{head}.{claims}.{tag}=",
        "huge": good(x="y" * 6100),
        "no token": "x",
        "critical": KEY.sign({"crit": ["exp"]}, iss="us", aud="api"),
    }[name]


@pytest.mark.parametrize("name", [
    "alg none", "alg none with a signature", "another key", "an unknown kid",
    "a kid that is a path", "its own key", "expired", "not yet",
    "from the future", "without exp", "another issuer", "another audience",
    "without user", "a guest's name", "changed claims", "no signature",
    "two parts", "four parts", "padding", "huge", "no token", "critical"])
def test_a_token_that_lies_is_answered_with_403(tree, name):
    assert refused(tree, forged(name))


def test_a_token_as_large_as_a_head_is_refused_and_kept_by_nobody(tree):
    line, _ = knock(tree, headers=(f"Authorization: Bearer {'a' * 15000}",))
    assert line == "HTTP/1.1 403 Forbidden"
    line, _ = knock(tree, headers=(f"Authorization: Bearer {'a' * 17000}",))
    assert line.startswith("HTTP/1.1 431")


def test_the_same_token_again_costs_no_signature(tree):
    token = good(sub="often")
    with tree.client(headers=subprotocol(token)):
        pass
    before = counter(tree, "auth_signatures"), counter(tree, "auth_cached")
    for _ in range(5):
        with tree.client(headers=subprotocol(token)):
            pass
    assert counter(tree, "auth_signatures") == before[0]
    assert counter(tree, "auth_cached") == before[1] + 5


def test_many_fresh_tokens_at_once_all_get_their_turn(tree):
    """More in one turn than it verifies: the rest wait, nobody is lost."""
    clients = [socket.create_connection(("127.0.0.1", tree.port), 10)
               for _ in range(150)]
    for n, s in enumerate(clients):
        token = good(sub=f"user{n}") if n % 10 else "x.y.z"
        s.sendall("\r\n".join([
            "GET /socket/websocket?vsn=2.0.0 HTTP/1.1", "Host: h",
            "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13", f"Authorization: Bearer {token}",
            "", ""]).encode())
    for n, s in enumerate(clients):
        line = s.recv(4096).split(b"\r\n")[0]
        assert line.startswith(b"HTTP/1.1 101" if n % 10 else
                               b"HTTP/1.1 403"), (n, line)
        s.close()
    assert counter(tree, "auth_waiting") == 0


def test_no_token_and_no_key_is_in_the_log(tree):
    token = good(sub="secret")
    with tree.joined(headers=subprotocol(token)):
        knock(tree, f"&token={token}x")
    log = tree.log()
    assert token not in log and token.split(".")[2] not in log
    assert KEY.jwk()["k"] not in log
    shown = json.dumps(tree.banyan("settings", "show"))
    assert KEY.jwk()["k"] not in shown


# --- what a payload claims (S2) ---

def test_a_payload_cannot_name_another_user_or_roles(tree):
    before = counter(tree, "identity_claims")
    with tree.joined(headers=subprotocol(good(roles=["viewer"]))) as client:
        assert facts(client, user_id="root")["user_id"] == "anna"
        assert facts(client, user_roles=["admin"])["user_id"] == "anna"
        assert facts(client, user_id="anna")["user_id"] == "anna"
    assert counter(tree, "identity_claims") == before + 2
    assert tree.log().count("identity_claimed") >= 1


def test_a_role_comes_from_the_token_and_never_from_a_payload(tree):
    done = tree.run_banyan("functions", "add", json.dumps({
        "service": "test", "request_type": "admins", "nodes": ["one"],
        "mfa": {"module": "test", "function": "echo"},
        "check_permission": {"role": ["admin"]}}))
    assert done.returncode == 0, done
    for roles, may in ((["viewer"], False), (["viewer", "admin"], True),
                       (None, False), ("viewer admin", True)):
        token = good(roles=roles)
        with tree.joined(headers=subprotocol(token)) as client:
            push, _ = client.call(request("admins", user_roles=["admin"],
                                          user_id="root"))
            assert push["success"] is may, (roles, push)
            assert may or push["error"] == "Permission denied"


# --- the stock client ---

@pytest.mark.skipif(not stock_client_is_here(), reason="needs node")
def test_the_stock_client_brings_its_token_both_ways(tree):
    url = f"ws://127.0.0.1:{tree.port}/socket"
    for options in ({"token": good(sub="stock")},
                    {"params": {"token": good(sub="stock")}}):
        with StockClient() as stock:
            assert stock.connect(url, **options) is True
            assert stock.join("api:lobby", event="api")["status"] == "ok"
            stock.push("api:lobby", "api", request("info"))
            result = stock.event("push")["push"][2]["result"]
            assert result[0]["user_id"] == "stock"


@pytest.mark.skipif(not stock_client_is_here(), reason="needs node")
def test_the_stock_client_is_refused_without_a_good_token(tree):
    url = f"ws://127.0.0.1:{tree.port}/socket"
    for options in ({}, {"token": "x.y.z"}, {"params": {"token": "x"}}):
        with StockClient() as stock:
            assert stock.connect(url, **options) is False


# --- live sockets ---

def event(client, name):
    while True:
        message = client.hear()
        if message[3] == name:
            return message


def refresh_once(client, join_ref, token, topic="api:lobby"):
    client.say(join_ref, "r", topic, "refresh_token", {"token": token})
    while True:
        message = client.hear()
        if message[1] == "r":
            return message[4]["status"], message[4]["response"]


def refresh(client, join_ref, token, **how):
    """As a client should: later, while it is told that it is too early."""
    said = None

    def is_said():
        nonlocal said
        said = refresh_once(client, join_ref, token, **how)
        return said != ("error", {"reason": "busy"})
    until(is_said, 10, "the refresh is answered")
    return said


def test_a_session_is_warned_refreshed_and_lives_on(tree):
    soon = int(time.time()) + 4
    with tree.client(headers=subprotocol(good(exp=soon))) as client:
        join_ref = client.join("api:lobby")[0]
        warned = event(client, "token_expiring")
        assert warned[:3] == [join_ref, None, "api:lobby"]
        assert 0 < warned[4]["expires_in_ms"] <= 4000
        assert refresh(client, join_ref, "x.y.z") == \
            ("error", {"reason": "refused"})
        assert refresh(client, join_ref, good(sub="other")) == \
            ("error", {"reason": "other_user"})
        assert refresh(client, join_ref, 7) == \
            ("error", {"reason": "invalid_payload"})
        status, response = refresh(client, join_ref, good(roles=["new"]))
        assert status == "ok" and 3500000 < response["expires_in_ms"]
        until(lambda: time.time() > soon + 1.5, 10, "the first is over")
        assert facts(client)["user_id"] == "anna"


def test_who_guesses_tokens_on_a_live_socket_is_slowed_down(tree):
    with tree.joined(headers=subprotocol(good(sub="thief"))) as client:
        before = counter(tree, "auth_signatures")
        for n in range(300):
            client.say(None, str(n), "api:lobby", "refresh_token",
                       {"token": Key("k1", b"x" * 32).sign(sub="boss")})
        said = [client.hear()[4]["response"]["reason"] for _ in range(300)]
        assert said[0] == "refused" and said.count("refused") < 30
        assert said.count("refused") + said.count("busy") == 300
        assert counter(tree, "auth_signatures") <= \
            before + said.count("refused")


def test_a_v1_client_is_warned_and_refreshed_too(tree):
    soon = int(time.time()) + 4
    token = good(sub="old", exp=soon)
    with tree.client(vsn="1.0.0", headers=subprotocol(token)) as client:
        client.join("api:lobby")
        assert event(client, "token_expiring")[4]["expires_in_ms"] <= 4000
        assert refresh(client, None, good(sub="old"))[0] == "ok"


def test_a_short_warning_is_given_before_the_end_all_the_same(keys):
    write_keys(keys, KEY)
    auth = AUTH.format(path=keys, more="").replace(
        "expiring_ms: 2000", "expiring_ms: 50")
    with GatewayTree(auth=auth) as short:
        token = good(exp=int(time.time()) + 4)
        with short.client(headers=subprotocol(token)) as client:
            client.join("api:lobby")
            assert event(client, "token_expiring")[4]["expires_in_ms"] > 0
            assert client.read_close() == 1008


def test_an_expired_session_is_closed_with_1008(tree):
    token = good(exp=int(time.time()) + 3)
    before = counter(tree, "auth_expired")
    with tree.client(headers=subprotocol(token)) as client:
        assert client.read_close() == 1008
    assert counter(tree, "auth_expired") == before + 1
    assert refused(tree, token)


# --- keys ---

def test_keys_rotate_under_load_without_a_lost_client(keys):
    with jwt_tree(keys) as tree:
        with tree.joined(headers=subprotocol(good())) as old:
            second = Key("k2")
            write_keys(keys, KEY, second)
            fresh = second.sign(iss="us", aud="api", sub="new")
            until(lambda: not refused(tree, fresh), 10, "the second key")
            assert not refused(tree, good())
            write_keys(keys, second)
            until(lambda: refused(tree, good()), 10, "the first key is gone")
            assert not refused(tree, fresh)
            # a file that others may read or write is none, with secrets
            keys.chmod(0o604)
            until(lambda: "anybody may read it" in tree.log(), 10, "told")
            keys.chmod(0o602)
            until(lambda: "anybody may write it" in tree.log(), 10, "told")
            assert not refused(tree, fresh)
            # a broken file changes nothing and is told once
            broken = counter(tree, "auth_keys_broken")
            keys.chmod(0o600)
            keys.write_text('{"keys": [')
            until(lambda: "no JWK Set" in tree.log(), 10, "told")
            assert not refused(tree, fresh)
            assert tree.run_banyan("reload").returncode == 0
            assert not refused(tree, fresh)
            keys.unlink()
            until(lambda: counter(tree, "auth_keys_broken") > broken, 10,
                  "told")
            until(lambda: "No such file" in tree.log(), 10, "gone")
            assert not refused(tree, fresh)
            assert facts(old)["user_id"] == "anna"  # it was let in
        write_keys(keys, KEY)


def test_clients_come_in_all_the_time_while_keys_change(keys):
    """S4: rotation under load; nobody is refused, memory does not grow."""
    second = Key("k2")
    with jwt_tree(keys) as tree:
        pid = tree.pid("gateway/1")
        lines, is_over = collections.Counter(), threading.Event()

        def come(number):
            while not is_over.is_set():
                token = second.sign(iss="us", aud="api", sub=f"u{number}",
                                    jti=str(sum(lines.values())))
                lines[knock(tree, headers=subprotocol(token))[0]] += 1

        write_keys(keys, KEY, second)
        until(lambda: not refused(tree, second.sign(iss="us", aud="api")),
              10, "the second key")
        crowd = [threading.Thread(target=come, args=(n,)) for n in range(4)]
        for each in crowd:
            each.start()
        read = counter(tree, "auth_keys_broken")
        until(lambda: sum(lines.values()) > 300, 20, "they are warm")
        before = rss_kb(pid)
        for n in range(12):
            write_keys(keys, *([second, KEY] if n % 2 else [second]))
            count = sum(lines.values())
            until(lambda c=count: sum(lines.values()) > c + 30, 20, "more")
        is_over.set()
        for each in crowd:
            each.join()
        assert set(lines) == {"HTTP/1.1 101 Switching Protocols"}, lines
        assert rss_kb(pid) < before + 4096
        assert counter(tree, "auth_keys_broken") == read
        write_keys(keys, KEY)


def rss_kb(pid):
    for text in open(f"/proc/{pid}/status", encoding="ascii"):
        if text.startswith("VmRSS"):
            return int(text.split()[1])
    return 0


def test_without_any_keys_everybody_is_refused_until_they_come(tmp_path):
    path = tmp_path / "later.json"
    with GatewayTree(auth=AUTH.format(path=path, more=""), nodes=()) as tree:
        assert refused(tree, good())
        until(lambda: "nobody_can_be_verified" in
              tree.run_banyan("health").stdout, 10, "health tells")
        write_keys(path, KEY)
        until(lambda: not refused(tree, good()), 10, "the keys are read")
        # its functions have no node: that alone may still degrade it
        until(lambda: "nobody_can_be_verified" not in
              tree.run_banyan("health").stdout, 10, "health takes it back")


# --- other ways to run it ---

def test_anonymous_clients_are_guests_and_bad_tokens_stay_out(keys):
    with jwt_tree(keys, more=", allow_anonymous: true") as tree:
        with tree.joined() as client:
            assert facts(client, user_id="root")["user_id"] is None
            assert client.join("secure:x")[1] == "ok"
            push, _ = client.call(request(), topic="secure:x",
                                  event="phoenix_gen_api")
            assert push["error"] == "Authentication required"
            assert refresh(client, None, good()) == \
                ("error", {"reason": "not_verified"})
        assert refused(tree, "x.y.z")


def test_a_channel_that_does_not_override_refuses_another_user(keys):
    write_keys(keys, KEY)
    channel = "channels: [{topic: \"api:*\", event: api, " \
        "override_user_id: false}]"
    auth = AUTH.format(path=keys, more="")
    settings = f"gateway: {{port: 0, {channel}}}\nauth: {{{auth}}}\n" \
        "monitoring: {port: 0}\nnodes: " \
        "[{name: one, url: \"ipc://${runtime_dir}/services/one.ipc\"}]\n"
    with SmallTree(settings) as tree:
        with tree.joined(headers=subprotocol(good())) as client:
            assert facts(client)["user_id"] == "anna"
            assert facts(client, user_id="anna")["user_id"] == "anna"
            push, _ = client.call(request("info", user_id="root"))
            assert (push["code"], push["error"]) == \
                ("denied", "Permission denied")


class SmallTree(GatewayTree):
    """The same with settings of its own."""

    def __init__(self, settings):
        self.settings = settings
        super().__init__(nodes=("one",))

    def spawn(self):
        self.file.write_text(self.settings)
        return super().spawn()


def test_mode_none_says_so_and_refreshes_nothing():
    with GatewayTree(nodes=()) as tree:
        assert tree.log().count("auth_none") == 1
        with tree.joined() as client:
            assert refresh(client, None, "x") == \
                ("error", {"reason": "not_verified"})


@pytest.mark.parametrize("auth, words", [
    ("mode: jwt", "auth.mode: jwt needs auth.jwt_keys"),
    ("jwt_keys: keys.json", "auth.jwt_keys: must be an absolute path"),
    ("mode: token", "auth.mode"),
])
def test_settings_that_cannot_work_are_refused(tmp_path, auth, words):
    from tree import Tree
    with Tree(start=False, service=False) as tree:
        file = tmp_path / "x.yaml"
        file.write_text(f"auth: {{{auth}}}\n")
        done = tree.run_banyan("check", file)
        assert done.returncode == 78 and words in done.stdout + done.stderr
