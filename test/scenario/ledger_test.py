"""The load generator's ledger, held against servers that cheat."""
import asyncio
import base64
import hashlib
import json
import os
import pathlib
import threading

import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LOAD = pathlib.Path(os.environ.get("BANYAN_LOAD",
                                   ROOT / "build" / "test" / "bench" / "load"))
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def read_frame(reader):
    head = await reader.readexactly(2)
    length = head[1] & 0x7F
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    mask = await reader.readexactly(4)
    data = await reader.readexactly(length)
    return json.loads(bytes(b ^ mask[i % 4] for i, b in enumerate(data)))


def frame(value):
    data = json.dumps(value, separators=(",", ":")).encode()
    head = bytes([0x81, len(data)]) if len(data) < 126 else \
        b"\x81\x7e" + len(data).to_bytes(2, "big")
    return head + data


def push(join_ref, topic, event, request_id, **fields):
    payload = {"request_id": request_id, "result": {"name": "Alice"},
               "success": True, "error": None, "async": False,
               "has_more": False, "can_retry": False}
    payload.update(fields)
    return frame([join_ref, None, topic, event, payload])


def reply(join_ref, ref, topic):
    return frame([join_ref, ref, topic, "phx_reply",
                  {"status": "ok", "response": "get_user"}])


class Server:
    """A Phoenix server of one page; `behave(n, push, reply)` says what is
    sent for the n-th call: a list of bytes, or None to close the socket."""

    def __init__(self, behave):
        self.behave = behave
        self.calls = 0
        self.ready = threading.Event()

    async def serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        key = head.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n"
                     b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        try:
            while True:
                join_ref, ref, topic, event, payload = await read_frame(reader)
                if event == "phx_join":
                    writer.write(reply(join_ref, ref, topic))
                    continue
                self.calls += 1
                answer = push(join_ref, topic, event, payload["request_id"])
                sent = self.behave(self.calls, (join_ref, topic, event,
                                                payload["request_id"]),
                                   answer, reply(join_ref, ref, topic))
                if sent is None:
                    break
                for piece in sent:
                    if isinstance(piece, float):
                        await asyncio.sleep(piece)
                    else:
                        writer.write(piece)
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        assert self.ready.wait(5)
        return self

    def run(self):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(
            asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        self.loop.run_forever()

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()


def ledger_of(behave, calls=100, **options):
    with Server(behave) as server:
        words = [str(LOAD), "--url", f"ws://127.0.0.1:{server.port}/socket",
                 "--calls", str(calls), "--seconds", "20",
                 "--timeout-ms", "300"]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        done = subprocess.run(words, capture_output=True, text=True,
                              timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_honest_server_has_a_clean_ledger():
    ledger = ledger_of(lambda n, call, a, r: [a, r], connections=4,
                       pipeline=4, expect='"name":"Alice"')
    assert ledger["calls"] == ledger["answers"] == 100
    assert ledger["unanswered"] == ledger["answered_twice"] == 0
    assert ledger["wrong"] == ledger["unreplied"] == ledger["foreign"] == 0


def test_answers_may_overtake_each_other():
    held = []

    def behave(n, call, answer, back):
        held.append([answer, back])
        if len(held) < 4 and n < 100:
            return []
        out = [piece for pair in reversed(held) for piece in pair]
        held.clear()
        return out

    ledger = ledger_of(behave, pipeline=8)
    assert ledger["answers"] == 100
    assert ledger["unanswered"] == ledger["answered_twice"] == 0


def test_an_answer_that_comes_twice_is_counted():
    ledger = ledger_of(lambda n, call, a, r: [a, r, a] if n == 7 else [a, r])
    assert ledger["answered_twice"] == 1
    assert ledger["answers"] == 100


def test_a_second_answer_before_the_reply_is_counted_too():
    ledger = ledger_of(lambda n, call, a, r: [a, a, r] if n == 7 else [a, r])
    assert ledger["answered_twice"] == 1


def test_a_call_without_an_answer_is_a_time_out_and_unanswered():
    ledger = ledger_of(lambda n, call, a, r: [] if n == 7 else [a, r],
                       pipeline=2)
    assert ledger["timeouts"] == ledger["unanswered"] == 1
    assert ledger["answers"] == 99


def test_a_late_answer_is_late_and_not_twice():
    ledger = ledger_of(
        lambda n, call, a, r: [0.45, a, r] if n == 7 else [a, r], calls=20)
    assert ledger["timeouts"] >= 1
    assert ledger["late"] == ledger["timeouts"]
    assert ledger["unanswered"] == ledger["answered_twice"] == 0


def test_an_answer_without_its_reply_is_seen():
    ledger = ledger_of(lambda n, call, a, r: [a] if n == 7 else [a, r])
    assert ledger["unreplied"] == 1
    assert ledger["unanswered"] == 0


def test_typed_errors_are_counted_by_code():
    def behave(n, call, answer, back):
        if n % 4 == 0:
            return [push(*call, success=False, error="x",
                         code="rate_limited"), back]
        if n % 4 == 1:
            return [push(*call, success=False, error="x"), back]
        return [answer, back]

    ledger = ledger_of(behave)
    assert ledger["codes"] == {"rate_limited": 25, "(none)": 25}
    assert ledger["errors"] == 50 and ledger["untyped"] == 25
    assert ledger["answers"] == 50 and ledger["unanswered"] == 0


def test_calls_on_a_closed_socket_are_lost_and_the_client_comes_back():
    ledger = ledger_of(lambda n, call, a, r: None if n == 7 else [a, r],
                       pipeline=1)
    assert ledger["lost"] == ledger["unanswered"] == 1
    assert ledger["reconnects"] == 1
    assert ledger["answers"] == 99


def test_an_answer_nobody_asked_for_is_foreign():
    def behave(n, call, answer, back):
        stray = push(call[0], call[1], call[2], "r999999")
        return [stray, answer, back] if n == 7 else [answer, back]

    assert ledger_of(behave)["foreign"] == 1


def test_a_wrong_answer_is_seen():
    ledger = ledger_of(
        lambda n, call, a, r: [push(*call, result={"name": "Bob"}), r]
        if n == 7 else [a, r], expect='"name":"Alice"')
    assert ledger["wrong"] == 1


def test_a_stall_weighs_on_the_quantiles_as_open_clients_would_feel_it():
    ledger = ledger_of(
        lambda n, call, a, r: [0.2, a, r] if n == 50 else [a, r], calls=200)
    # one call in 200 stalled, but all that should have come in that time count
    assert ledger["p99_us"] > 100_000
    assert ledger["max_us"] > 190_000


# --- calls that are answered later, and in parts ---

def acked(call, **fields):
    return push(*call, **{"result": None, "async": True, **fields})


def part(call, number, **fields):
    return push(*call, **{"result": number, "async": True, "has_more": True,
                          **fields})


def test_an_honest_async_server_has_a_clean_ledger():
    ledger = ledger_of(lambda n, call, a, r: [acked(call), r, a],
                       kind="async", pipeline=4)
    assert ledger["answers"] == ledger["acks"] == 100
    assert ledger["disordered"] == ledger["answered_twice"] == 0


def test_an_async_call_that_only_was_acknowledged_is_unanswered():
    ledger = ledger_of(
        lambda n, call, a, r: [acked(call), r] if n == 7 else
        [acked(call), r, a], kind="async", pipeline=2)
    assert ledger["unanswered"] == ledger["timeouts"] == 1


def test_an_error_at_once_needs_no_acknowledgement_and_an_answer_does():
    def behave(n, call, answer, back):
        if n == 7:
            return [push(*call, success=False, error="x",
                         code="unavailable"), back]
        return [answer, back] if n == 8 else [acked(call), back, answer]

    ledger = ledger_of(behave, kind="async")
    assert ledger["codes"] == {"unavailable": 1}
    assert ledger["disordered"] == 1 and ledger["acks"] == 98


def test_a_second_acknowledgement_and_a_second_answer_are_counted():
    def behave(n, call, answer, back):
        if n == 7:
            return [acked(call), acked(call), back, answer]
        return [acked(call), back, answer] + [answer] * (n == 8)

    assert ledger_of(behave, kind="async")["answered_twice"] == 2


def test_an_honest_stream_has_a_clean_ledger():
    def behave(n, call, answer, back):
        return [part(call, "init"), back,
                *(part(call, i) for i in range(5)), acked(call)]

    ledger = ledger_of(behave, kind="stream", pipeline=2)
    assert ledger["answers"] == ledger["acks"] == 100
    assert ledger["chunks"] == 500 and ledger["disordered"] == 0
    assert ledger["answered_twice"] == ledger["unanswered"] == 0


def test_a_stream_that_misses_doubles_or_never_ends_is_seen():
    def behave(n, call, answer, back):
        numbers = {3: [0, 2], 4: [0, 0, 1]}.get(n, [0, 1])
        end = {5: [], 6: [acked(call)] * 2}.get(n, [acked(call)])
        return [part(call, "init"), back, *(part(call, i) for i in numbers),
                *end]

    ledger = ledger_of(behave, calls=20, kind="stream")
    assert ledger["disordered"] == 3  # 2 for 1; 0 for 1, then 1 for 2
    assert ledger["unanswered"] == ledger["timeouts"] == 1
    assert ledger["answered_twice"] == 1


def test_an_error_ends_a_stream_as_well():
    def behave(n, call, answer, back):
        return [part(call, "init"), back, part(call, 0),
                push(*call, success=False, error="x", code="expired")]

    ledger = ledger_of(behave, kind="stream")
    assert ledger["codes"] == {"expired": 100} and ledger["acks"] == 100
    assert ledger["disordered"] == 0
