"""A service decides who a client is; whatever goes wrong refuses."""
import contextlib
import threading
import time

import pytest

from auth_test import event, facts, knock, refresh
from gateway_time_test import counter
from gateway_tree import GatewayTree
from phoenix_client import StockClient, stock_client_is_here
from scripted_service import Failure, ScriptedService
from tokens import subprotocol
from tree import until
from websocket import CLOSE

AUTH = ("mode: function, nodes: [doorman], module: auth, function: decide, "
        "headers: [X-Tenant], timeout_ms: 1000, expiring_ms: 2000")
NODE = '  - {name: doorman, url: "ipc://${runtime_dir}/services/door.ipc"}\n'


class Doorman:
    """Decides by the parameter or token `as`; keeps what it was asked."""

    def __init__(self):
        self.questions = []
        self.gate = threading.Event()

    def __call__(self, args):
        asked, = args
        self.questions.append(asked)
        who = asked["params"].get("as") or asked["token"] or ""
        if who == "slow":
            self.gate.wait(30)
        if who == "fails":
            raise Failure("no such luck")
        return {"": None, "no": False, "yes": True, "text": "anna",
                "short": {"user_id": "short", "expires_in_ms": 4000},
                "shape": {"user_id": 7}, "guest": {"user_id": "guest:1-1-1"},
                }.get(who, {"user_id": who, "roles": ["member"]})


class FunctionTree(GatewayTree):
    """The usual tree with one more node."""

    def spawn(self):
        text = self.file.read_text()
        if "doorman, url" not in text:
            self.file.write_text(text.replace("nodes:\n", "nodes:\n" + NODE))
        return super().spawn()


@contextlib.contextmanager
def doorman_of(tree):
    doorman = Doorman()
    path = tree.run / "services" / "door.ipc"
    with ScriptedService(path, decide=doorman):
        yield doorman
        doorman.gate.set()


@pytest.fixture(scope="module", name="tree")
def one_tree():
    with FunctionTree(auth=AUTH) as tree:
        yield tree


@pytest.fixture(name="doorman")
def one_doorman(tree):
    with doorman_of(tree) as doorman:
        yield doorman


def close_of(client):
    """The code it is closed with, whatever is pushed before."""
    kind, data = client.read()
    while kind != CLOSE:
        kind, data = client.read()
    return int.from_bytes(data[:2], "big")


def line(tree, **how):
    return knock(tree, **how)[0]


def test_the_service_says_who_a_client_is(tree, doorman):
    with tree.joined(query="&as=anna&room=a%20b",
                     headers=("X-Tenant: acme", "X-Secret: 1",
                              "Cookie: c")) as client:
        assert facts(client, user_id="root")["user_id"] == "anna"
        assert client.join("secure:x")[1] == "ok"
    asked = doorman.questions[-1]
    assert asked == {"params": {"as": "anna", "room": "a b"},
                     "headers": {"X-Tenant": "acme"}, "token": None,
                     "peer": "127.0.0.1", "user_id": None}


def test_a_token_reaches_it_however_it_comes(tree, doorman):
    for how in ({"headers": subprotocol("bert")},
                {"headers": ("Authorization: Bearer bert",)},
                {"query": "&token=bert"}):
        with tree.joined(**how) as client:
            assert facts(client)["user_id"] == "bert"
        assert doorman.questions[-1]["token"] == "bert"


@pytest.mark.parametrize("who", [
    "", "no", "yes", "text", "shape", "guest", "fails"])
def test_no_an_error_and_any_other_shape_refuse(tree, doorman, who):
    assert knock(tree, query=f"&as={who}") == ("HTTP/1.1 403 Forbidden", b"")
    assert doorman.questions


def test_what_is_ambiguous_is_not_even_asked(tree, doorman):
    for how in ({"headers": ("X-Tenant: a", "X-Tenant: b")},
                {"query": "&as=%ff"}, {"query": "&a=%zz"}):
        assert line(tree, **how) == "HTTP/1.1 403 Forbidden"
    assert doorman.questions == []


def test_no_answer_in_time_refuses_and_holds_up_nobody(tree, doorman):
    began = time.monotonic()
    with tree.joined(query="&as=anna") as client:
        results = []
        slow = threading.Thread(
            target=lambda: results.append(line(tree, query="&as=slow")))
        slow.start()
        until(lambda: any(q["params"].get("as") == "slow"
                          for q in doorman.questions), 5, "it is asked")
        assert facts(client)["user_id"] == "anna"
        slow.join(10)
        assert results == ["HTTP/1.1 403 Forbidden"]
        assert time.monotonic() - began >= 1
        doorman.gate.set()


def test_a_client_that_comes_before_the_service_waits_for_it(tree):
    results = []
    early = threading.Thread(
        target=lambda: results.append(line(tree, query="&as=anna")))
    early.start()
    until(lambda: early.is_alive(), 1, "it waits")
    with doorman_of(tree):
        early.join(10)
        # the link is dialled with back-off: in time, or refused; not lost
        assert results[0] in ("HTTP/1.1 101 Switching Protocols",
                              "HTTP/1.1 403 Forbidden")
        until(lambda: line(tree, query="&as=anna").endswith("Protocols"),
              20, "the service is back")


def test_without_the_service_everybody_is_refused(tree):
    before = counter(tree, "auth_refused")
    assert line(tree, query="&as=anna") == "HTTP/1.1 403 Forbidden"
    assert counter(tree, "auth_refused") == before + 1


def test_a_client_that_leaves_while_it_is_asked_for_leaves_nothing(tree,
                                                                  doorman):
    until(lambda: line(tree, query="&as=anna").endswith("Protocols"), 20,
          "the service is there")
    clients = [tree.client(query="&as=slow", upgrade=False)
               for _ in range(20)]
    for client in clients:
        client.write(b"GET /socket/websocket?vsn=2.0.0&as=slow HTTP/1.1\r\n"
                     b"Host: h\r\nUpgrade: websocket\r\n"
                     b"Connection: Upgrade\r\nSec-WebSocket-Key: "
                     b"dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     b"Sec-WebSocket-Version: 13\r\n\r\n")
    until(lambda: any(q["params"].get("as") == "slow"
                      for q in doorman.questions), 5, "they are asked for")
    for client in clients:
        client.socket.close()
    until(lambda: counter(tree, "connections") == 0, 10, "they are gone")
    doorman.gate.set()
    until(lambda: line(tree, query="&as=anna").endswith("Protocols"), 20,
          "others are let in")


def test_a_client_that_waits_while_its_gateway_leaves_is_told_to_come_back():
    """503, so that it tries again; not a connection that just ends."""
    with FunctionTree(auth=AUTH.replace("timeout_ms: 1000",
                                        "timeout_ms: 9000")) as tree, \
            doorman_of(tree) as doorman:
        results = []
        waits = threading.Thread(
            target=lambda: results.append(line(tree, query="&as=slow")))
        until(lambda: line(tree, query="&as=anna").endswith("Protocols"), 20,
              "the service is there")
        waits.start()
        until(lambda: any(q["params"].get("as") == "slow"
                          for q in doorman.questions), 5, "it is asked for")
        assert tree.run_banyan("stop", "gateway/1").returncode == 0
        waits.join(10)
        assert results == ["HTTP/1.1 503 Service Unavailable"]


def test_a_session_ends_when_the_service_said_and_refreshes_by_it(tree,
                                                                 doorman):
    until(lambda: line(tree, query="&as=anna").endswith("Protocols"), 20,
          "the service is there")
    with tree.client(query="&as=short") as client:
        client.join("api:lobby")
        assert event(client, "token_expiring")[4]["expires_in_ms"] <= 4000
        assert refresh(client, None, "other") == \
            ("error", {"reason": "other_user"})
        assert refresh(client, None, "no") == ("error", {"reason": "refused"})
        assert refresh(client, None, "short")[0] == "ok"
        assert doorman.questions[-1] == {
            "params": {}, "headers": {}, "token": "short",
            "peer": "127.0.0.1", "user_id": "short"}
        assert close_of(client) == 1008


@pytest.mark.skipif(not stock_client_is_here(), reason="needs node")
def test_the_stock_client_is_decided_about_by_its_params(tree, doorman):
    until(lambda: line(tree, query="&as=anna").endswith("Protocols"), 20,
          "the service is there")
    url = f"ws://127.0.0.1:{tree.port}/socket"
    for who, is_in in (("stock", True), ("no", False)):
        with StockClient() as stock:
            assert stock.connect(url, params={"as": who}) is is_in
    assert doorman.questions[-1]["params"]["as"] == "no"


def test_a_reload_keeps_sessions_and_the_service(tree, doorman):
    until(lambda: line(tree, query="&as=anna").endswith("Protocols"), 20,
          "the service is there")
    with tree.joined(query="&as=anna") as client:
        text = tree.file.read_text()
        tree.file.write_text(text.replace("timeout_ms: 1000",
                                          "timeout_ms: 1100"))
        assert tree.run_banyan("reload").returncode == 0
        assert facts(client)["user_id"] == "anna"
        assert line(tree, query="&as=bert").endswith("Protocols")


def test_a_shorter_time_out_holds_for_who_waits_and_who_comes():
    auth = AUTH.replace("timeout_ms: 1000", "timeout_ms: 50000")
    with FunctionTree(auth=auth, gateway="header_timeout_ms: 60000") as tree, \
            doorman_of(tree) as doorman:
        until(lambda: line(tree, query="&as=anna").endswith("Protocols"), 20,
              "the service is there")
        results = []
        waits = [threading.Thread(target=lambda: results.append(
            line(tree, query="&as=slow"))) for _ in range(2)]
        waits[0].start()
        until(lambda: any(q["params"].get("as") == "slow"
                          for q in doorman.questions), 5, "it is asked for")
        text = tree.file.read_text()
        tree.file.write_text(text.replace("timeout_ms: 50000",
                                          "timeout_ms: 200"))
        assert tree.run_banyan("reload").returncode == 0
        waits[1].start()
        for each in waits:  # nobody waits for the first one's 50 s
            each.join(20)
        assert results == ["HTTP/1.1 403 Forbidden"] * 2


LOCAL = """\
pools:
  list:
    - {{name: default, adapter: python, modules: [doors], python_path: {path}, pool_size: 2}}
"""
DOORS = """\
def decide(asked):
    who = asked["token"]
    return {"user_id": who, "roles": ["local"]} if who != "no" else None
"""


def test_a_function_of_our_own_pools_may_decide(tmp_path):
    (tmp_path / "doors.py").write_text(DOORS)
    tmp_path.chmod(0o755)
    auth = "mode: function, nodes: [local], module: doors, function: decide"
    with GatewayTree(auth=auth, more=LOCAL.format(path=tmp_path)) as tree:
        until(lambda: "101" in line(tree, headers=subprotocol("anna")), 20,
              "a runner decides")
        with tree.joined(headers=subprotocol("bert")) as client:
            assert facts(client)["user_id"] == "bert"
        assert line(tree, headers=subprotocol("no")) == \
            "HTTP/1.1 403 Forbidden"
        life = tree.life("worker_pool")
        tree.kill("worker_pool")
        tree.until("worker_pool", state="up", life=life + 1)
        until(lambda: "101" in line(tree, headers=subprotocol("carl")), 20,
              "the next life decides")


@pytest.mark.parametrize("auth, words", [
    ("mode: function", "auth.mode: function needs auth.nodes"),
    ("mode: function, nodes: [nowhere]", "no URL, and `nodes` has no such"),
    ("mode: function, nodes: [\"tcp://x\"]", "auth.nodes: \"tcp://x\""),
    ("mode: function, nodes: [local], timeout_ms: 20000",
     "more than gateway.header_timeout_ms"),
])
def test_settings_that_cannot_work_are_refused(tree, tmp_path, auth, words):
    file = tmp_path / "x.yaml"
    file.write_text(f"auth: {{{auth}}}\n")
    done = tree.run_banyan("check", file)
    assert done.returncode == 78 and words in done.stdout + done.stderr
