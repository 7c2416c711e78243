"""The clients' door, message by message: Phoenix as Phoenix speaks it."""
import json
import struct
import urllib.parse

import pytest

from gateway_tree import GatewayTree, request
from phoenix_client import SEVEN_KEYS, RawClient, StockClient, \
    stock_client_is_here
from service import pack, unpack
from websocket import BINARY, CLOSE, TEXT, Closed, WebSocket, frame

needs_stock = pytest.mark.skipif(not stock_client_is_here(),
                                 reason="npm's phoenix is not installed")


@pytest.fixture(scope="module", name="tree")
def one_tree():
    with GatewayTree() as tree:
        yield tree


@pytest.fixture(name="stock")
def stock_client(tree):
    with StockClient() as client:
        assert client.connect(tree.endpoints()["gateway"],
                              heartbeat_ms=200)
        yield client


# --- the stock client ---

@needs_stock
def test_the_stock_client_joins_calls_and_gets_push_and_reply(stock):
    assert stock.join("api:lobby", event="api") == {
        "status": "ok", "response": {}}
    reply = stock.push("api:lobby", "api", request(args={"a": 7}))
    assert reply == {"status": "ok", "response": "echo"}
    topic, event, payload = stock.event("push")["push"]
    assert (topic, event) == ("api:lobby", "api")
    assert payload == {"request_id": "r1", "result": [7], "success": True,
                       "error": None, "async": False, "has_more": False,
                       "can_retry": False}


@needs_stock
def test_the_stock_client_hears_errors_leaves_and_joins_again(stock):
    assert stock.join("nowhere")["response"] == {"reason": "unmatched topic"}
    assert stock.join("api:a", event="api")["status"] == "ok"
    reply = stock.push("api:a", "api", {"service": "test"})
    assert reply["status"] == "error"
    assert reply["response"] == \
        "Missing required fields: request_type, request_id"
    assert stock.leave("api:a")["status"] == "ok"
    assert stock.join("api:a", event="api")["status"] == "ok"


@needs_stock
def test_a_token_in_the_subprotocol_is_answered_with_phoenix(tree):
    with StockClient() as client:
        assert client.connect(tree.endpoints()["gateway"], token="secret")
        assert client.join("api:lobby")["status"] == "ok"


# --- reserved events ---

def test_a_heartbeat_is_answered(tree):
    with tree.client() as client:
        client.say(None, "7", "phoenix", "heartbeat", {})
        assert client.hear() == [None, "7", "phoenix", "phx_reply",
                                 {"status": "ok", "response": {}}]


def test_a_topic_nobody_serves_cannot_be_joined(tree):
    with tree.client() as client:
        assert client.join("nowhere")[1:] == (
            "error", {"reason": "unmatched topic"})


def test_wildcards_and_exact_topics_route(tree):
    with tree.client() as client:
        for topic in ("api:x", "api:", "lobby"):
            assert client.join(topic)[1] == "ok"
        for topic in ("lobby2", "ap", "phoenix"):
            assert client.join(topic)[1] == "error"


def test_a_second_join_closes_the_first_channel(tree):
    with tree.client() as client:
        client.join(join_ref="1")
        client.say("2", "2", "api:lobby", "phx_join", {})
        assert client.hear() == ["1", "1", "api:lobby", "phx_close", {}]
        assert client.hear() == ["2", "2", "api:lobby", "phx_reply",
                                 {"status": "ok", "response": {}}]


def test_a_leave_is_answered_and_ends_the_channel(tree):
    with tree.client() as client:
        client.join(join_ref="1")
        client.say("1", "5", "api:lobby", "phx_leave", {})
        assert client.hear()[1:] == ["5", "api:lobby", "phx_reply",
                                     {"status": "ok", "response": {}}]
        assert client.hear() == ["1", "1", "api:lobby", "phx_close", {}]
        client.say("1", "6", "api:lobby", "api", request())
        assert client.hear() == [
            None, "6", "api:lobby", "phx_reply",
            {"status": "error", "response": {"reason": "unmatched topic"}}]
        client.say(None, "7", "never:joined", "phx_leave", {})
        assert client.hear()[4] == {"status": "ok", "response": {}}


def test_a_message_of_an_older_join_is_ignored(tree):
    with tree.client() as client:
        client.join(join_ref="1")
        client.say("0", "5", "api:lobby", "api", request())
        client.say(None, "6", "phoenix", "heartbeat", {})
        assert client.hear()[1] == "6"


def test_an_unknown_event_ends_the_channel_as_a_crash_would(tree):
    with tree.client() as client:
        client.join(join_ref="1")
        client.say("1", "5", "api:lobby", "nonsense", {})
        assert client.hear() == ["1", "1", "api:lobby", "phx_error",
                                 {"reason": "channel_crash"}]
        assert client.join(join_ref="2")[1] == "ok"
        assert client.call(request(args={"a": 1}))[0]["success"]


def test_more_channels_than_allowed_are_refused_with_the_reason(tree):
    with tree.client() as client:
        for i in range(5):
            assert client.join(f"api:{i}")[1] == "ok"
        assert client.join("api:5")[1:] == (
            "error", {"reason": "too many channels joined"})


def test_the_event_name_is_the_channels_or_the_default(tree):
    with tree.client() as client:
        client.join("plain:x")
        push, reply = client.call(request(args={"a": 1}), topic="plain:x",
                                  event="phoenix_gen_api")
        assert push["result"] == [1] and reply["status"] == "ok"


# --- P1: what clients should not send ---

@pytest.mark.parametrize("text", ["", "x", "[]", "{}", "[1,2,3]", "null",
                                  '[null,"1","t","e"]',
                                  '[null,"1","t",null,{}]',
                                  '[null,"1","phoenix","heartbeat",{}'])
def test_what_is_no_envelope_closes_with_1007(tree, text):
    with tree.client() as client:
        client.send(TEXT, text)
        assert client.read_close() == 1007


def test_a_null_topic_and_a_number_for_a_ref_are_answered_as_they_came(tree):
    with tree.client() as client:
        client.say(None, 5, None, "api", {})
        assert client.hear() == [
            None, 5, None, "phx_reply",
            {"status": "error", "response": {"reason": "unmatched topic"}}]


def test_a_huge_ref_closes_with_1009(tree):
    with tree.client() as client:
        client.say(None, "9" * 5000, "phoenix", "heartbeat", {})
        assert client.read_close() == 1009


def test_a_ref_used_twice_is_answered_twice(tree):
    with tree.joined() as client:
        for _ in range(2):
            client.say(None, "same", "api:lobby", "api",
                       request(args={"a": 1}))
        refs = [client.hear()[1] for _ in range(4)]
        assert refs.count("same") == 2


def test_a_flood_of_heartbeats_is_answered_to_the_last(tree):
    with tree.client() as client:
        one = '[null,"%d","phoenix","heartbeat",{}]'
        client.write(b"".join(frame(TEXT, one % i) for i in range(5000)))
        assert [client.hear()[1] for _ in range(5000)] == \
            [str(i) for i in range(5000)]


# --- the upgrade ---

@pytest.mark.parametrize("query, status", [
    ("?vsn=2.0.0", 101), ("?vsn=1.0.0", 101), ("", 101),
    ("?vsn=9.9.9", 403), ("?vsn=", 403)])
def test_the_version_is_served_or_refused_at_the_upgrade(tree, query, status):
    head = (f"GET /socket/websocket{query} HTTP/1.1\r\nHost: a\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n")
    with WebSocket(tree.port, upgrade=False) as ws:
        ws.write(head.encode())
        assert f" {status} " in ws.read_head().split("\r\n")[0]


@pytest.mark.parametrize("head, status", [
    (b"GET /socket/websocket HTTP/1.1\r\nHost: a\r\n" +
     b"X: y\r\n" * 100 + b"\r\n", 431),
    (b"GET /socket/websocket HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 65536, 431),
    (b"GET /socket/websocket HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n", 400),
    (b"GET /socket/websocket HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
     b"\r\nGET ", 413),
    (b"GET /socket/websocket HTTP/1.1\r\nHost: a\r\n\r\n", 426),
    (b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    (b"DELETE /socket/websocket HTTP/1.1\r\nHost: a\r\n\r\n", 400)])
def test_abuse_of_the_upgrade_has_its_status_and_ends_there(
        tree, head, status):
    with WebSocket(tree.port, upgrade=False) as ws:
        ws.write(head)
        answer = ws.read_head()
        assert f" {status} " in answer.split("\r\n")[0]
        assert "Connection: close" in answer
        with pytest.raises((Closed, ConnectionError)):
            ws.read_more()


def test_frames_that_come_with_the_head_are_read_as_frames(tree):
    with WebSocket(tree.port, upgrade=False) as ws:
        ws.write(b"GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: a\r\n"
                 b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                 b"Sec-WebSocket-Version: 13\r\n\r\n" +
                 frame(TEXT, '[null,"1","phoenix","heartbeat",{}]'))
        assert " 101 " in ws.read_head()
        assert json.loads(ws.read()[1])[1] == "1"


# --- binary frames ---

def push_binary(client, data, ref=b"9", event=b"api"):
    parts = [b"1", ref, b"api:lobby", event]
    client.send(BINARY, bytes([0, *map(len, parts)]) + b"".join(parts) + data)


def binary_data(client):
    """(kind, data) of the next frame, which must be binary."""
    kind, frame = client.read()
    assert kind == BINARY, (kind, frame)
    names = 3 if frame[0] == 0 else 4
    return frame[0], frame[1 + names + sum(frame[1:1 + names]):]


def test_a_binary_push_is_answered_in_binary(tree):
    with tree.joined() as client:
        push_binary(client, pack(request(args={"a": [1, "x"]})))
        kind, push = client.read()
        assert kind == BINARY and push[0] == 0
        body = push[4 + push[1] + push[2] + push[3]:]
        response, end = unpack(body)
        assert end == len(body) and set(response) == SEVEN_KEYS
        assert response["result"] == [[1, "x"]]
        kind, reply = client.read()
        assert kind == BINARY and reply[0] == 1
        assert reply[5:] == b"19api:lobbyok" + b"\xa4echo"


def test_bytes_of_a_service_stay_bytes_in_binary_and_are_base64_in_json(tree):
    with tree.joined() as client:
        push_binary(client, pack(request("bytes")))
        assert unpack(binary_data(client)[1])[0]["result"] == b"\xff\0"
        assert binary_data(client) == (1, b"\xa5bytes")
        assert client.call(request("bytes"))[0]["result"] == "/wA="


def test_a_stream_of_a_binary_push_is_binary_to_its_end(tree):
    with tree.joined() as client:
        push_binary(client, pack(request("parts", {"all": [1, "b", None]})))
        said = [binary_data(client) for _ in range(5)]
        assert [kind for kind, _ in said] == [0, 1, 0, 0, 0]
        pushed = [unpack(data)[0] for kind, data in said if kind == 0]
        assert [(p["result"], p["has_more"]) for p in pushed] == \
            [("init", True), (1, True), ("b", True), (None, False)]
        push_binary(client, pack({"request_id": "none"}), b"10",
                    b"stop_stream")
        assert unpack(binary_data(client)[1])[0] == {"reason": "not_found"}


@pytest.mark.parametrize("data, says", [
    (b"\xc1", "not msgpack"), (pack({"a": 1}) + b"\1", "not msgpack"),
    (b"\x81\1\2", "a key that is no text, or an ext, has no word in JSON"),
    (b"\x81\xa1a\xd4\x09\0",
     "a key that is no text, or an ext, has no word in JSON"),
    (b"\x91" * 200 + b"\1", "nested too deep")],
    ids=["bytes", "more", "key", "ext", "deep"])
def test_a_binary_payload_that_is_no_request_is_told_why(tree, data, says):
    with tree.joined() as client:
        push_binary(client, data)
        push = unpack(binary_data(client)[1])[0]
        assert push["code"] == "invalid_payload"
        assert push["error"] == \
            f"Invalid request: Malformed request payload: {says}"


def test_json_in_a_binary_frame_is_answered_with_json_in_binary(tree):
    with tree.joined() as client:
        push_binary(client, json.dumps(request(args={"a": 1})).encode())
        kind, data = binary_data(client)
        assert kind == 0 and json.loads(data)["result"] == [1]
        assert set(json.loads(data)) == SEVEN_KEYS
        assert binary_data(client) == (1, b'"echo"')
        push_binary(client, b'{"request_id": "r1", "args": {')
        assert json.loads(binary_data(client)[1])["code"] == "invalid_payload"
        assert binary_data(client)[0] == 1


@pytest.mark.parametrize("data, read", [
    (b"\x80", lambda d: unpack(d)[0]), (b"{}", json.loads)])
def test_a_channel_joined_in_binary_is_spoken_to_in_binary(tree, data, read):
    with tree.client() as client:
        parts = [b"1", b"1", b"api:lobby", b"phx_join"]
        client.send(BINARY, bytes([0, *map(len, parts)]) + b"".join(parts) +
                    data)
        kind, said = binary_data(client)
        assert kind == 1 and read(said) == {}
        client.start_call(request(args={"a": 2}))
        kind, said = binary_data(client)
        assert kind == 0 and read(said)["result"] == [2]
        assert read(binary_data(client)[1]) == "echo"


def test_a_binary_frame_that_is_none_closes_with_1007(tree):
    with tree.client() as client:
        client.send(BINARY, b"\x00\xff\xff\xff\xffshort")
        assert client.read_close() == 1007


def test_a_client_that_closes_is_told_the_same_code(tree):
    with tree.client() as client:
        client.send(CLOSE, struct.pack(">H", 4001))
        assert client.read_close() == 4001


def test_another_query_parameter_does_no_harm(tree):
    query = urllib.parse.urlencode({"vsn": "2.0.0", "token": "ä &=%"})
    with RawClient(tree.port, vsn="") as plain:
        assert plain.head
    with WebSocket(tree.port, "/socket/websocket?" + query) as ws:
        ws.send(TEXT, '[null,"1","phoenix","heartbeat",{}]')
        assert json.loads(ws.read()[1])[1] == "1"
