"""Clients that are slow, silent, greedy or too many; drains and reloads."""
import json
import os
import select
import socket
import threading
import time

import pytest

from gateway_tree import GatewayTree, request
from tree import until
from websocket import TEXT, Closed, WebSocket, frame

QUICK = ("idle_timeout_ms: 3000\n  header_timeout_ms: 500\n"
         "  frame_timeout_ms: 500\n  client_buffer_bytes: 65536\n"
         "  origins: [\"https://good.example\", \"//*.fine.example\"]")


@pytest.fixture(scope="module", name="tree")
def quick_tree():
    with GatewayTree(gateway=QUICK) as tree:
        yield tree


def counter(tree, name):
    return tree.counter(name)


# --- time-outs ---

def test_a_silent_client_is_closed_and_one_with_heartbeats_is_not(tree):
    with tree.client() as silent, tree.client() as alive:
        def beats():
            alive.say(None, "1", "phoenix", "heartbeat", {})
            assert alive.hear()[1] == "1"
            return select.select([silent.socket], [], [], 0.2)[0]
        until(beats, 20, "the silent one is closed")
        assert silent.read_close() == 1001
        alive.say(None, "2", "phoenix", "heartbeat", {})
        assert alive.hear()[1] == "2"


def test_dribbled_heads_are_cut_and_others_do_not_notice(tree):
    slow = [socket.create_connection(("127.0.0.1", tree.port))
            for _ in range(200)]
    head = b"GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nX: " + b"y" * 400
    with tree.joined() as client:
        start = time.monotonic()
        for byte in head[:40]:
            for s in slow:
                try:
                    s.sendall(bytes([byte]))
                except OSError:
                    pass
            assert client.call(request(args={"a": 1}))[0]["success"]
            if time.monotonic() - start > 1.5:
                break
            time.sleep(0.02)
    for s in slow:
        s.settimeout(5)
        try:
            data = s.recv(4096)
            assert data == b"" or b" 408 " in data
        except ConnectionError:
            pass
        s.close()


def test_a_message_dribbled_for_too_long_is_cut(tree):
    with tree.joined() as client:
        client.write(frame(TEXT, "x" * 100)[:20])
        deadline = time.monotonic() + 5
        with pytest.raises((Closed, ConnectionError, AssertionError)):
            while time.monotonic() < deadline:
                client.socket.settimeout(0.1)
                try:
                    client.read_close()
                    raise Closed
                except TimeoutError:
                    client.write(b"x")
            raise TimeoutError
        assert time.monotonic() < deadline


# --- budgets ---

def test_a_client_that_does_not_read_is_told_and_cut(tree):
    others = tree.joined()
    before = counter(tree, "slow_readers")
    with tree.joined() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        call = frame(TEXT, json.dumps(
            [None, "1", "api:lobby", "api",
             request("big", {"bytes": 50000})]))
        try:
            for _ in range(400):
                client.write(call)
        except ConnectionError:
            pass
        until(lambda: counter(tree, "slow_readers") > before, 10,
              "the slow reader is counted")
        # others never noticed
        push, _ = others.call(request(args={"a": 1}))
        assert push["success"], push
        # what it reads at last ends with the reason, unless it was too late
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        reason = None
        try:
            while True:
                kind, data = client.read()
                if kind == 8:
                    reason = data[2:]
                    break
        except (Closed, ConnectionError):
            pass
        assert reason in (None, b"slow reader")
    others.socket.close()


def test_the_origin_is_checked(tree):
    def status(origin):
        with WebSocket(tree.port, upgrade=False) as ws:
            ws.write((
                "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: a\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                f"Sec-WebSocket-Version: 13\r\n{origin}\r\n").encode())
            return int(ws.read_head().split(" ")[1])
    assert status("") == 101
    assert status("Origin: https://good.example\r\n") == 101
    assert status("Origin: http://a.fine.example\r\n") == 101
    assert status("Origin: https://evil.example\r\n") == 403


# --- reload and drain ---

def test_a_reload_closes_no_socket_and_loses_no_call():
    with GatewayTree() as tree, tree.joined() as client:
        slow = client.start_call(request("slow", {"ms": 300},
                                         request_id="s"))
        text = tree.file.read_text()
        tree.file.write_text(text.replace("max_channels: 5",
                                          "max_channels: 6"))
        assert tree.run_banyan("reload").returncode == 0
        assert client.hear()[4]["request_id"] == "s"
        assert client.hear()[1] == slow
        for i in range(5):
            assert client.join(f"api:{i}")[1] == "ok"
        assert client.join("api:6")[1] == "error"


def test_a_drain_finishes_calls_then_closes_with_1012():
    with GatewayTree() as tree, tree.joined() as client:
        client.start_call(request("slow", {"ms": 600}, request_id="s"))
        life = tree.life("gateway/1")
        done = []
        thread = threading.Thread(target=lambda: done.append(
            tree.run_banyan("restart", "gateway/1")))
        thread.start()
        until(lambda: (client.start_call(request(args={"a": 1})),
                       client.hear())[1][4].get("code") == "draining" or
              client.hear() is None, 5, "late calls get draining")
        seen = []
        try:
            while True:
                kind, data = client.read()
                if kind == 8:
                    assert data[:2] == (1012).to_bytes(2, "big")
                    break
                seen.append(json.loads(data)[4].get("request_id"))
        except Closed:
            pytest.fail("no close frame")
        assert "s" in seen
        thread.join()
        tree.until("gateway/1", life=life + 1, state="up")
        with tree.joined() as again:
            until(lambda: again.call(request(args={"a": 1}))[0]["success"],
                  5, "calls work again")


# --- many ---

def test_several_gateways_share_one_port():
    with GatewayTree(more="workers: {gateway: {instances: 3}}") as tree:
        clients = [tree.joined() for _ in range(90)]
        for client in clients:
            until(lambda c=client: c.call(request(args={"a": 1}))[0][
                "success"], 5, "each is served")
        counts = [len([fd for fd in os.listdir(f"/proc/{c['pid']}/fd")])
                  for c in map(tree.child, ("gateway/1", "gateway/2",
                                            "gateway/3"))]
        assert min(counts) > 15, counts
        for client in clients:
            client.socket.close()


def test_out_of_descriptors_the_door_rests_and_recovers():
    """E1: connections wait in the kernel; calls and operators do not."""
    more = "workers: {gateway: {nofile: 200}}"
    with GatewayTree(more=more) as tree:
        with tree.joined() as client:
            crowd = []
            for _ in range(300):
                s = socket.socket()
                s.setblocking(False)
                s.connect_ex(("127.0.0.1", tree.port))
                crowd.append(s)
            pid = tree.child("gateway/1")["pid"]
            until(lambda: len(os.listdir(f"/proc/{pid}/fd")) >= 130, 10,
                  "the gateway is full")
            assert client.call(request(args={"a": 1}))[0]["success"]
            assert tree.node("one")["state"] == "live"
            ticks = lambda: sum(map(int, open(
                f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:13]))
            before = ticks()
            time.sleep(1)
            assert ticks() - before < 50, "no busy loop"
            assert len(os.listdir(f"/proc/{pid}/fd")) < 200
            for s in crowd:
                s.close()
        until(lambda: len(os.listdir(f"/proc/{pid}/fd")) < 60, 10,
              "descriptors are given back")
        with tree.joined() as client:
            assert client.call(request(args={"a": 1}))[0]["success"]


def test_one_client_more_than_allowed_is_refused_with_503():
    with GatewayTree(gateway="max_connections: 3") as tree:
        clients = [tree.client() for _ in range(3)]
        with WebSocket(tree.port, upgrade=False) as ws:
            assert " 503 " in ws.read_head()
        clients.pop().socket.close()
        until(lambda: counter(tree, "connections") < 3, 5, "one has gone")
        with tree.client() as client:
            client.say(None, "1", "phoenix", "heartbeat", {})
            assert client.hear()[1] == "1"
        for client in clients:
            client.socket.close()


def test_idle_clients_cost_little_memory():
    with GatewayTree() as tree:
        pid = tree.child("gateway/1")["pid"]
        def rss():
            text = open(f"/proc/{pid}/smaps_rollup").read()
            return int(text.split("Pss:")[1].split()[0]) * 1024
        tree.joined().socket.close()
        before = rss()
        clients = [tree.joined() for _ in range(400)]
        assert (rss() - before) / 400 <= 4096
        for client in clients:
            client.socket.close()
