"""Autobahn's categories 9 (limits) and 10 (auto-fragmentation), written anew.

Sizes are those of Autobahn; every message must come back equal.
"""
import pathlib
import subprocess
import threading

import pytest

from tree import running
from websocket import BINARY, MORE, PING, PONG, TEXT, WebSocket, frame

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATH = "/echo/websocket"
KB = 1024
SIZES = [64 * KB, 256 * KB, KB * KB, 4 * KB * KB, 8 * KB * KB, 16 * KB * KB]


@pytest.fixture(scope="module", name="port")
def echo_port():
    program = ROOT / "build" / "test" / "ws_echo" / "ws_echo"
    with running([program], stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE) as process:
        yield int(process.stdout.readline())
        process.stdin.close()
        assert process.wait(10) == 0


def write_apart(ws, data, step=None):
    """Writes from a thread: with big echoes both sides must read and write."""
    def run():
        if step:
            ws.write_chopped(data, step)
        else:
            ws.write(data)
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def echo_once(port, kind, data, wire, step=None):
    with WebSocket(port, PATH, timeout=60) as ws:
        thread = write_apart(ws, wire, step)
        got_kind, got = ws.read()
        thread.join()
        assert got_kind == kind
        assert got == data


@pytest.mark.parametrize("kind", [TEXT, BINARY])
@pytest.mark.parametrize("size", SIZES)
def test_9_a_large_message_is_echoed(port, kind, size):
    data = b"\xfe" * size if kind == BINARY else b"*" * size
    echo_once(port, kind, data, frame(kind, data))


@pytest.mark.parametrize("kind", [TEXT, BINARY])
@pytest.mark.parametrize("part", [64, 256, KB, 4 * KB, 16 * KB, 64 * KB,
                                  256 * KB, KB * KB, 4 * KB * KB])
def test_9_four_megabytes_in_fragments_of_each_size_are_joined(
        port, kind, part):
    data = b"*" * (4 * KB * KB if part >= KB else KB * KB)
    parts = range(0, len(data), part)
    wire = b"".join(
        frame(kind if at == 0 else MORE, data[at:at + part],
              last=at + part >= len(data)) for at in parts)
    echo_once(port, kind, data, wire)


@pytest.mark.parametrize("step", [64, 128, 256, 512, KB, 2 * KB])
@pytest.mark.parametrize("kind", [TEXT, BINARY])
def test_9_a_megabyte_in_chops_of_each_size_is_echoed(port, kind, step):
    data = b"*" * (KB * KB)
    echo_once(port, kind, data, frame(kind, data), step)


@pytest.mark.parametrize("kind", [TEXT, BINARY])
@pytest.mark.parametrize("size", [0, 16, 64, 256, KB, 4 * KB])
def test_9_a_thousand_round_trips_lose_nothing(port, kind, size):
    data = b"*" * size
    with WebSocket(port, PATH) as ws:
        for _ in range(1000):
            ws.send(kind, data)
            assert ws.read() == (kind, data)


@pytest.mark.parametrize("part", [1, 7, 64, 1300])
def test_10_a_message_in_fragments_of_any_size_is_joined(port, part):
    data = "κόσμε and plain text ".encode() * 400
    wire = b"".join(
        frame(TEXT if at == 0 else MORE, data[at:at + part],
              last=at + part >= len(data))
        for at in range(0, len(data), part))
    echo_once(port, TEXT, data, wire)


def test_10_pings_among_fragments_are_answered_in_order(port):
    with WebSocket(port, PATH) as ws:
        for i in range(100):
            ws.send(TEXT if i == 0 else MORE, b"part", last=i == 99)
            ws.send(PING, b"%d" % i)
        pongs, message = [], None
        while len(pongs) < 100 or message is None:
            kind, data = ws.read()
            if kind == PONG:
                pongs.append(int(data))
            else:
                message = data
        assert pongs == list(range(100))
        assert message == b"part" * 100
