"""Autobahn's categories 1 to 7, written anew against test/ws_echo.

Strict answers: where Autobahn accepts more than one behaviour, ours is the
one written here.
  any breach of framing (3, 4, 5, 7.3.1, 7.9)   close 1002 at once
  invalid UTF-8 (6, 7.5.1)                      close 1007 at the first bad byte
  a close frame                                 echoed with the same code; a
                                                close without a code, without
After a breach nothing more is echoed, also not what came whole before it in
the same segment is lost: those answers are sent first.
"""
import pathlib
import struct
import subprocess

import pytest

from tree import running
from websocket import (BINARY, CLOSE, MORE, PING, PONG, TEXT, Closed,
                       WebSocket, frame)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATH = "/echo/websocket"


@pytest.fixture(scope="module", name="port")
def echo_port():
    program = ROOT / "build" / "test" / "ws_echo" / "ws_echo"
    with running([program], stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE) as process:
        yield int(process.stdout.readline())
        process.stdin.close()
        assert process.wait(10) == 0


def connect(port):
    return WebSocket(port, PATH)


def echoes(port, *frames, expect, step=None):
    """Sends the frames, expects those messages, then closes in order."""
    with connect(port) as ws:
        data = b"".join(frames)
        if step:
            ws.write_chopped(data, step)
        else:
            ws.write(data)
        for kind, payload in expect:
            assert ws.read() == (kind, payload)
        ws.send(CLOSE, struct.pack(">H", 1000))
        assert ws.read_close() == 1000


def fails(port, *frames, code, expect=(), step=None):
    """Sends the frames; after `expect` the server closes with `code`."""
    with connect(port) as ws:
        data = b"".join(frames)
        try:
            if step:
                ws.write_chopped(data, step)
            else:
                ws.write(data)
        except ConnectionError:
            pass  # closed while we were still writing
        for kind, payload in expect:
            assert ws.read() == (kind, payload)
        assert ws.read_close() == code


# --- 1 framing ---

SIZES = [0, 125, 126, 127, 128, 65535, 65536]


@pytest.mark.parametrize("kind", [TEXT, BINARY])
@pytest.mark.parametrize("size", SIZES)
def test_1_a_message_of_each_length_form_is_echoed(port, kind, size):
    data = (b"*" if kind == TEXT else b"\xfe") * size
    echoes(port, frame(kind, data), expect=[(kind, data)])


@pytest.mark.parametrize("kind", [TEXT, BINARY])
def test_1_a_message_in_chops_of_997_bytes_is_echoed(port, kind):
    data = b"*" * 65536
    echoes(port, frame(kind, data), expect=[(kind, data)], step=997)


# --- 2 pings and pongs ---

@pytest.mark.parametrize("data", [b"", b"Hello, world!",
                                  b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff",
                                  b"\xfe" * 125])
def test_2_a_ping_is_answered_with_its_own_payload(port, data):
    echoes(port, frame(PING, data), expect=[(PONG, data)])


def test_2_a_ping_above_125_bytes_is_a_breach(port):
    fails(port, frame(PING, b"\xfe" * 126), code=1002)


def test_2_a_ping_octet_by_octet_is_answered(port):
    echoes(port, frame(PING, b"\xfe" * 125), step=1,
           expect=[(PONG, b"\xfe" * 125)])


def test_2_unsolicited_pongs_are_ignored(port):
    echoes(port, frame(PONG), frame(PONG, b"unsolicited"),
           frame(PING, b"after"), expect=[(PONG, b"after")])


def test_2_ten_pings_have_ten_pongs_in_order(port):
    pings = [b"payload-%d" % i for i in range(10)]
    for step in (None, 1):
        echoes(port, *[frame(PING, p) for p in pings],
               expect=[(PONG, p) for p in pings], step=step)


# --- 3 reserved bits ---

@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("kind", [TEXT, BINARY, PING, CLOSE])
def test_3_a_reserved_bit_is_a_breach(port, rsv, kind):
    fails(port, frame(kind, b"", rsv=rsv), code=1002)


def test_3_what_came_before_a_reserved_bit_is_still_echoed(port):
    for step in (None, 1):
        fails(port, frame(TEXT, "first"), frame(TEXT, "second", rsv=4),
              frame(PING), code=1002, expect=[(TEXT, b"first")], step=step)


# --- 4 opcodes ---

@pytest.mark.parametrize("kind", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("data", [b"", b"reserved opcode payload"])
def test_4_a_reserved_opcode_is_a_breach(port, kind, data):
    fails(port, frame(TEXT, "ok"), frame(kind, data), frame(PING),
          code=1002, expect=[(TEXT, b"ok")])


# --- 5 fragmentation ---

@pytest.mark.parametrize("kind", [PING, PONG, CLOSE])
def test_5_a_control_frame_is_never_fragmented(port, kind):
    fails(port, frame(kind, "frag", last=False), frame(MORE, "ment"),
          code=1002)


@pytest.mark.parametrize("step", [None, 1, 3])
@pytest.mark.parametrize("kind", [TEXT, BINARY])
def test_5_fragments_are_joined(port, kind, step):
    echoes(port, frame(kind, "fragment1", last=False),
           frame(MORE, "fragment2"), step=step,
           expect=[(kind, b"fragment1fragment2")])


@pytest.mark.parametrize("step", [None, 1])
def test_5_a_ping_between_fragments_is_answered_first(port, step):
    echoes(port, frame(TEXT, "fragment1", last=False), frame(PING, "p"),
           frame(MORE, "fragment2"), step=step,
           expect=[(PONG, b"p"), (TEXT, b"fragment1fragment2")])


@pytest.mark.parametrize("last", [True, False])
def test_5_a_continuation_of_nothing_is_a_breach(port, last):
    fails(port, frame(MORE, "non-continuation", last=last),
          frame(TEXT, "hello"), code=1002)


def test_5_a_continuation_after_a_whole_message_is_a_breach(port):
    fails(port, frame(TEXT, "whole"), frame(MORE, "more"), code=1002,
          expect=[(TEXT, b"whole")])


@pytest.mark.parametrize("last", [True, False])
def test_5_a_new_message_inside_another_is_a_breach(port, last):
    fails(port, frame(TEXT, "fragment1", last=False),
          frame(TEXT, "fragment2", last=last), code=1002)


def test_5_many_fragments_with_pings_among_them_are_joined(port):
    frames, expect, text = [], [], b""
    for i in range(5):
        text += b"fragment%d" % i
        frames += [frame(TEXT if i == 0 else MORE, b"fragment%d" % i,
                         last=i == 4), frame(PING, b"p%d" % i)]
        expect += [(PONG, b"p%d" % i)]
    expect.insert(4, (TEXT, text))
    echoes(port, *frames, expect=expect)


def test_5_empty_fragments_count_as_nothing(port):
    echoes(port, frame(TEXT, "", last=False), frame(MORE, "", last=False),
           frame(MORE, ""), expect=[(TEXT, b"")])
    echoes(port, frame(TEXT, "", last=False), frame(MORE, "x", last=False),
           frame(MORE, ""), expect=[(TEXT, b"x")])


# --- 6 UTF-8 ---

GOOD = [
    "Hello-µ@ßöäüàá-UTF-8!!".encode(), "κόσμε".encode(),
    b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80",
    b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf",
    b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xef\xbf\xbe",
    b"\xf0\x9f\xbf\xbe", b"\xf0\x9f\xbf\xbf", b"\xf3\xaf\xbf\xbf",
]
BAD = [
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
    b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80",
    b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf",
    b"\xf4\x90\x80\x80", b"\x80", b"\xbf", b"\x80\xbf", b"\x80\xbf\x80",
    bytes(range(0x80, 0xc0)), b" ".join(bytes([c]) for c in range(0xc0, 0xe0)),
    b" ".join(bytes([c]) for c in range(0xe0, 0xf0)),
    b" ".join(bytes([c]) for c in range(0xf0, 0xf8)),
    b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80",
    b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfe", b"\xff", b"\xfe\xfe\xff",
    b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf",
    b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf",
    b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80",
    b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80", b"\xed\xaf\xbf\xed\xbf\xbf",
]


@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize("text", GOOD)
def test_6_valid_text_is_echoed(port, text, step):
    echoes(port, frame(TEXT, text), expect=[(TEXT, text)], step=step)


@pytest.mark.parametrize("text", GOOD)
def test_6_valid_text_may_be_split_anywhere(port, text):
    frames = [frame(TEXT if i == 0 else MORE, text[i:i + 1],
                    last=i == len(text) - 1) for i in range(len(text))]
    echoes(port, *frames, expect=[(TEXT, text)])


@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize("text", BAD)
def test_6_invalid_text_closes_with_1007(port, text, step):
    fails(port, frame(TEXT, text), code=1007, step=step)


@pytest.mark.parametrize("text", BAD)
def test_6_invalid_bytes_are_fine_in_binary(port, text):
    echoes(port, frame(BINARY, text), expect=[(BINARY, text)])


def test_6_the_first_bad_byte_is_enough(port):
    """6.4: the rest of the frame, or of the message, need not come."""
    bad = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90"
    fails(port, frame(TEXT, bad, last=False), code=1007)
    whole = frame(TEXT, bad + b"\x80\x80edited")
    fails(port, whole[:2 + 4 + len(bad)], code=1007)


# --- 7 close ---

def test_7_a_close_is_echoed_and_nothing_follows(port):
    with connect(port) as ws:
        ws.write(frame(TEXT, "one") + frame(CLOSE, b"\x03\xe8") +
                 frame(TEXT, "two") + frame(PING) + frame(CLOSE, b"\x03\xe9"))
        assert ws.read() == (TEXT, b"one")
        assert ws.read_close() == 1000


def test_7_a_close_inside_a_fragmented_message_ends_it(port):
    with connect(port) as ws:
        ws.write(frame(TEXT, "half", last=False) + frame(CLOSE, b"\x03\xe8") +
                 frame(MORE, "rest"))
        assert ws.read_close() == 1000


def test_7_a_close_behind_a_large_message_waits_for_its_echo(port):
    with connect(port) as ws:
        ws.write(frame(TEXT, b"x" * 262144) + frame(CLOSE, b"\x03\xe8"))
        assert ws.read() == (TEXT, b"x" * 262144)
        assert ws.read_close() == 1000


def test_7_a_close_without_code_is_answered_without(port):
    with connect(port) as ws:
        ws.send(CLOSE)
        assert ws.read_close() is None


def test_7_a_close_with_half_a_code_is_a_breach(port):
    fails(port, frame(CLOSE, b"\x03"), code=1002)


@pytest.mark.parametrize("reason", [b"", b"Hello World!", b"*" * 123])
def test_7_a_reason_up_to_123_bytes_is_fine(port, reason):
    with connect(port) as ws:
        ws.send(CLOSE, b"\x03\xe8" + reason)
        assert ws.read_close() == 1000


def test_7_a_reason_of_124_bytes_is_a_breach(port):
    fails(port, frame(CLOSE, b"\x03\xe8" + b"*" * 124), code=1002)


def test_7_a_reason_that_is_no_text_closes_with_1007(port):
    fails(port, frame(CLOSE, b"\x03\xe8\xce\xba\xed\xa0\x80"), code=1007)


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009,
                                  1010, 1011, 1012, 1013, 1014, 3000, 3999,
                                  4000, 4999])
def test_7_a_valid_code_is_echoed(port, code):
    with connect(port) as ws:
        ws.send(CLOSE, struct.pack(">H", code))
        assert ws.read_close() == code


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100,
                                  2000, 2999, 5000, 65535])
def test_7_an_invalid_code_is_a_breach(port, code):
    fails(port, frame(CLOSE, struct.pack(">H", code)), code=1002)


# --- W3: masking and lengths ---

def test_w3_an_unmasked_frame_is_a_breach(port):
    fails(port, frame(TEXT, "x", masked=False), code=1002)


def test_w3_a_length_with_its_sign_bit_set_is_a_breach(port):
    fails(port, b"\x82\xff" + b"\xff" * 8 + b"\0\0\0\0", code=1002)


def test_w3_a_length_in_a_longer_form_than_needed_is_a_breach(port):
    fails(port, b"\x82\xfe\x00\x7d" + b"\0" * 4, code=1002)
    fails(port, b"\x82\xff" + b"\0" * 7 + b"\xff", code=1002)


def test_w3_a_length_above_the_limit_closes_with_1009_before_it_comes(port):
    fails(port, b"\x82\xff" + struct.pack(">Q", 1 << 40) + b"\0" * 4,
          code=1009)


def test_w4_what_is_no_upgrade_is_refused_and_closed(port):
    for head, status in [("GET /other HTTP/1.1\r\nHost: a\r\n\r\n", 404),
                         ("POST /echo/websocket HTTP/1.1\r\n\r\n", 400),
                         ("GET /echo/websocket HTTP/1.1\r\nHost: a\r\n\r\n",
                          426)]:
        with WebSocket(port, upgrade=False) as ws:
            ws.write(head.encode())
            assert f" {status} " in ws.read_head().split("\r\n")[0]
            with pytest.raises((Closed, ConnectionError)):
                ws.read_more()
