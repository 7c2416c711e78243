"""`banyan call` against a gateway made of lies: everything a server may send.

The real gateway is called in other files; here the other end is a script, so
that each answer, good or broken, can be had at will.
"""
import base64
import hashlib
import json
import os
import socket
import struct
import subprocess
import threading

import pytest

from tree import BANYAN

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Server:
    """Accepts one client and plays `script(server)` once it has upgraded."""

    def __init__(self, script, upgrade=None):
        self.script = script
        self.upgrade = upgrade
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.client = None
        self.failure = None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            self.client, _ = self.listener.accept()
            self.client.settimeout(10)
            head = b""
            while b"\r\n\r\n" not in head:
                head += self.client.recv(4096)
            assert head.startswith(b"GET /socket/websocket?vsn=2.0.0")
            self.head = head
            if self.upgrade is not None:
                self.client.sendall(self.upgrade)
                return
            key = head.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
            accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
            self.client.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept +
                b"\r\n\r\n")
            self.script(self)
        except (OSError, AssertionError) as e:
            self.failure = e

    def take(self, count):
        data = b""
        while len(data) < count:
            piece = self.client.recv(count - len(data))
            if not piece:
                raise ConnectionError("the client left")
            data += piece
        return data

    def receive(self):
        """One frame of the client: (opcode, body); it must be masked."""
        first, second = self.take(2)
        assert second & 0x80, "a client must mask"
        length = second & 0x7F
        if length == 126:
            length = struct.unpack(">H", self.take(2))[0]
        mask = self.take(4)
        body = self.take(length)
        return first & 0xF, bytes(b ^ mask[i % 4] for i, b in enumerate(body))

    def frame(self):
        opcode, body = self.receive()
        assert opcode == 1
        return json.loads(body)

    def send_raw(self, first, body):
        if len(body) < 126:
            head = bytes([first, len(body)])
        elif len(body) < 65536:
            head = bytes([first, 126]) + struct.pack(">H", len(body))
        else:
            head = bytes([first, 127]) + struct.pack(">Q", len(body))
        self.client.sendall(head + body)

    def send(self, frame):
        self.send_raw(0x81, json.dumps(frame).encode())

    def join(self):
        join_ref, ref, topic, event, payload = self.frame()
        assert (event, payload) == ("phx_join", {})
        self.send([join_ref, ref, topic, "phx_reply",
                   {"status": "ok", "response": {}}])

    def request(self):
        self.join()
        self.asked = self.frame()
        return self.asked[4]

    def push(self, payload):
        join_ref, _, topic, event, _ = self.asked
        self.send([join_ref, None, topic, event, payload])

    def reply_to(self, request, **fields):
        self.push(response(request, **fields))
        self.reply()

    def reply(self, status="ok", response="f"):
        join_ref, ref, topic, _, _ = self.asked
        self.send([join_ref, ref, topic, "phx_reply",
                   {"status": status, "response": response}])

    def close(self):
        self.thread.join(15)
        self.listener.close()
        if self.client:
            self.client.close()
        if self.failure:
            raise self.failure


def response(request, **fields):
    return {"request_id": request["request_id"], "result": None,
            "success": True, "error": None, "async": False,
            "has_more": False, "can_retry": False, **fields}


def call(script, *arguments, upgrade=None, stdin="", query=""):
    server = Server(script, upgrade)
    try:
        return subprocess.run(
            [str(BANYAN), "call", "user_service", "get_user",
             '{"user_id":"u42"}', "--url",
             f"ws://127.0.0.1:{server.port}/socket{query}",
             *map(str, arguments)],
            input=stdin, text=True, capture_output=True, timeout=20, check=False,
            env={**os.environ, "NO_COLOR": "1"})
    finally:
        server.close()


def good(server):
    request = server.request()
    assert request["service"] == "user_service"
    assert request["request_type"] == "get_user"
    assert request["args"] == {"user_id": "u42"}
    server.push(response(request, result={"id": "u42"}))
    server.reply()


def test_a_good_answer_is_printed_and_exits_zero():
    done = call(good)
    assert (done.returncode, done.stdout) == (0, '{"id":"u42"}\n')


def test_json_prints_the_whole_response():
    done = call(good, "--json")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)) == 7


def test_version_topic_and_event_are_sent_as_typed():
    def script(server):
        request = server.request()
        assert request["version"] == "1.2.3"
        assert server.asked[2:4] == ["chat:7", "gen"]
        server.push(response(request, result=1))
        server.reply()
    assert call(script, "--version", "1.2.3", "--topic", "chat:7",
                "--event", "gen").returncode == 0


@pytest.mark.parametrize("code, exit_code", [
    ("not_found", 1), ("expired", 1), ("denied", 77)])
def test_an_error_answer_is_told_with_its_code(code, exit_code):
    def script(server):
        request = server.request()
        server.push(response(request, success=False, error="it went wrong",
                             code=code))
        server.reply()
    done = call(script)
    assert done.returncode == exit_code and done.stdout == ""
    assert f"it went wrong ({code})" in done.stderr


def test_answers_to_others_do_not_count():
    def script(server):
        request = server.request()
        server.push(response({"request_id": "another"}, result="no"))
        server.push(response(request, result="yes"))
        server.reply()
    assert call(script).stdout == '"yes"\n'


def test_an_async_call_is_followed_to_its_result():
    def script(server):
        request = server.request()
        server.push(response(request, **{"async": True}))
        server.reply()
        server.push(response(request, result=7))
    assert call(script).stdout == "7\n"


def test_a_stream_is_printed_part_by_part():
    def script(server):
        request = server.request()
        server.push(response(request, result="init", has_more=True,
                             **{"async": True}))
        server.reply()
        for part in 1, 2:
            server.push(response(request, result=part, has_more=True,
                                 **{"async": True}))
        server.push(response(request, **{"async": True}))
    assert call(script).stdout == "1\n2\n"
    lines = call(script, "--json").stdout.splitlines()
    assert [json.loads(line)["result"] for line in lines] == [
        "init", 1, 2, None]


def test_a_stream_that_fails_ends_with_its_error():
    def script(server):
        request = server.request()
        server.push(response(request, result="init", has_more=True,
                             **{"async": True}))
        server.reply()
        server.push(response(request, result=1, has_more=True,
                             **{"async": True}))
        server.push(response(request, success=False, code="expired",
                             error="Internal Server Error"))
    done = call(script)
    assert done.returncode == 1 and done.stdout == "1\n"
    assert "Internal Server Error (expired)" in done.stderr


def test_lines_typed_are_calls_and_pushes_of_others_are_shown():
    def script(server):
        server.reply_to(server.request(), result="first")
        server.push(response({"request_id": "other"}, result="from others"))
        server.asked = server.frame()
        assert server.asked[4]["service"] == "relay"
        assert server.asked[4]["request_type"] == "send"
        assert server.asked[4]["args"] == {"n": 1}
        server.reply_to(server.asked[4], result="second")
    done = call(script, "--follow", stdin="relay send {\"n\": 1}\n")
    assert done.returncode == 0
    assert set(done.stdout.splitlines()) == {
        '"first"', '"from others"', '"second"'}


def test_a_line_that_is_no_call_is_named():
    def script(server):
        server.reply_to(server.request(), result=1)
    done = call(script, "--follow", stdin="relay\n")
    assert done.returncode == 64 and "not a call: relay" in done.stderr
    done = call(script, "--follow", stdin="relay send {bad\n")
    assert done.returncode == 64
    assert "not valid JSON at byte 1" in done.stderr


@pytest.mark.parametrize("more", [1, 4096, 100000])
def test_a_line_too_long_is_named_and_never_dropped(more):
    def script(server):
        server.reply_to(server.request(), result=1)
    done = call(script, "--follow", stdin="x" * ((68 << 10) + more))
    assert done.returncode == 64
    assert "a line has at most 69632 bytes" in done.stderr


def test_a_token_travels_in_the_head_and_not_in_argv(tmp_path):
    token = tmp_path / "token"
    token.write_text("abc.def.ghi\n")

    def script(server):
        assert b"\r\nAuthorization: Bearer abc.def.ghi\r\n" in server.head
        server.reply_to(server.request(), result=1)
    assert call(script, "--token-file", token).stdout == "1\n"


def test_parameters_of_the_address_reach_the_gateway():
    def script(server):
        assert server.head.startswith(
            b"GET /socket/websocket?vsn=2.0.0&user=ann HTTP/1.1\r\n")
        server.reply_to(server.request(), result=1)
    assert call(script, query="?user=ann").stdout == "1\n"


def test_a_function_without_an_answer_is_accepted():
    def script(server):
        server.request()
        server.reply()
    assert call(script).stdout == "accepted\n"


def test_fragments_and_pings_are_part_of_the_protocol():
    def script(server):
        request = server.request()
        join_ref, _, topic, event, _ = server.asked
        body = json.dumps([join_ref, None, topic, event, response(
            request, result="x" * 70000)]).encode()
        server.send_raw(0x01, body[:10])
        server.send_raw(0x89, b"are you there")
        server.send_raw(0x00, body[10:40])
        server.send_raw(0x80, body[40:])
        assert server.receive() == (10, b"are you there")
        server.reply()
    assert call(script).stdout == json.dumps("x" * 70000) + "\n"


def test_a_refused_join_says_why():
    def script(server):
        join_ref, ref, topic, _, _ = server.frame()
        server.send([join_ref, ref, topic, "phx_reply", {
            "status": "error", "response": {"reason": "unmatched topic"}}])
    done = call(script)
    assert done.returncode == 1 and "unmatched topic" in done.stderr


def test_a_goodbye_of_the_gateway_is_told_with_its_code():
    def script(server):
        server.request()
        server.send_raw(0x88, struct.pack(">H", 1012) + b"service restart")
    done = call(script)
    assert done.returncode == 3 and "1012 service restart" in done.stderr


@pytest.mark.parametrize("frame", [
    b"\x81\x05hello", b"\x81\x02[]", b"\xf1\x00", b"\x81\x80\0\0\0\0",
    b"\x83\x00", b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"])
def test_garbage_from_a_server_is_an_error_not_a_crash(frame):
    def script(server):
        server.request()
        server.client.sendall(frame)
    assert call(script).returncode == 3


def test_silence_ends_at_the_timeout():
    def script(server):
        server.request()
        server.receive()  # the goodbye of a caller that waited long enough
    done = call(script, "--timeout", "200")
    assert done.returncode == 3 and "no answer in time" in done.stderr


@pytest.mark.parametrize("head, said", [
    (b"HTTP/1.1 404 Not Found\r\n\r\n", "404 Not Found"),
    (b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n\r\n",
     "Sec-WebSocket-Accept is wrong"),
    (b"SSH-2.0-OpenSSH\r\n\r\n", "SSH-2.0-OpenSSH")])
def test_what_is_no_upgrade_is_refused(head, said):
    done = call(None, upgrade=head)
    assert done.returncode == 3 and said in done.stderr


def test_who_is_not_let_in_is_asked_for_a_token():
    done = call(None, upgrade=b"HTTP/1.1 403 Forbidden\r\n\r\n")
    assert done.returncode == 77
    assert "403 Forbidden" in done.stderr and "--token-file" in done.stderr


def test_nobody_there_is_exit_three_at_once():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = subprocess.run(
        [str(BANYAN), "call", "s", "f", "--url", f"ws://127.0.0.1:{port}/s"],
        text=True, capture_output=True, timeout=20, check=False)
    assert done.returncode == 3 and "cannot connect" in done.stderr


def test_an_address_that_is_none_is_a_usage_error():
    done = subprocess.run(
        [str(BANYAN), "call", "s", "f", "--url", "http://127.0.0.1/"],
        text=True, capture_output=True, timeout=20, check=False)
    assert done.returncode == 64
