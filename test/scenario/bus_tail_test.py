"""`banyan bus tail` on a terminal: what a publisher writes moves no cursor."""
import json
import os
import select
import socket
import struct
import subprocess

from tree import BANYAN, until

GREETING = b"\0SP\0\0\x20\0\0"  # PUB
SECRET_MOVE = "\x1b]0;owned\x07\x1b[2J"


def packed(value):
    """Just enough msgpack for a record; bytes are msgpack already."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        data = value.encode()
        return b"\xd9" + bytes([len(data)]) + data
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    return bytes([0x80 | len(value)]) + b"".join(
        packed(k) + packed(v) for k, v in value.items())


class Publisher:
    """The monitor's place, taken by somebody with other manners."""

    def __init__(self, folder):
        self.door = socket.socket(socket.AF_UNIX)
        self.door.bind(str(folder / "telemetry.ipc"))
        self.door.listen()
        self.door.settimeout(20)

    def meet(self):
        self.to, _ = self.door.accept()
        self.to.settimeout(20)
        self.to.sendall(GREETING)
        assert self.to.recv(8, socket.MSG_WAITALL)[:3] == b"\0SP"

    def tell(self, topic, record):
        body = topic.encode() + b"\0" + packed(record)
        self.to.sendall(b"\x01" + struct.pack(">Q", len(body)) + body)


def tail_of(folder, out, topic, record):
    """What one message looks like to who tails the bus."""
    publisher = Publisher(folder)
    tail = subprocess.Popen(
        [str(BANYAN), "--runtime-dir", str(folder), "bus", "tail",
         "all", "--count", "1"], stdin=subprocess.DEVNULL, stdout=out,
        stderr=subprocess.DEVNULL)
    publisher.meet()
    publisher.tell(topic, record)
    return tail


def hostile(seconds):
    return {"timestamp": seconds, "process": SECRET_MOVE,
            "what" + SECRET_MOVE: SECRET_MOVE}


def test_a_terminal_gets_no_control_bytes_of_a_publisher(tmp_path):
    ours, theirs = os.openpty()
    tail = tail_of(tmp_path, theirs, "logging/" + SECRET_MOVE, hostile(1e300))
    os.close(theirs)
    shown = b""

    def is_whole():
        nonlocal shown
        if select.select([ours], [], [], 0)[0]:
            shown += os.read(ours, 65536)
        return b"\n" in shown
    until(is_whole, 20, "a line")
    tail.wait(timeout=20)
    os.close(ours)
    assert b"owned" in shown
    assert b"\x1b]" not in shown and b"\x1b[2J" not in shown
    assert b"\x07" not in shown


def test_a_topic_is_one_text_of_the_json_whatever_it_holds(tmp_path):
    tail = tail_of(tmp_path, subprocess.PIPE, 'logging/"},{"x\x1b', hostile(1.5))
    said, _ = tail.communicate(timeout=20)
    record = json.loads(said)
    assert record["topic"] == 'logging/"},{"x\x1b'
    assert record["record"]["process"] == SECRET_MOVE


def test_a_record_that_json_cannot_tell_is_rejected_in_one_whole_line(tmp_path):
    an_extension = b"\xd4\x01\x00"
    tail = tail_of(tmp_path, subprocess.PIPE, "health/tree",
                   {"timestamp": 1.5, "what": an_extension})
    said, _ = tail.communicate(timeout=20)
    assert json.loads(said) == {"topic": "health/tree",
                                "signature": "invalid_format"}
    assert tail.returncode == 1
