"""A service in plain Python, without a binding: it answers as a test says.

It speaks just enough of protocol/LINK.md: SP's REP over a unix socket, one
answer for one message, msgpack by hand.
"""
import os
import socket
import struct
import threading

HELLO, CALL, RESULT, ERROR = 1, 2, 3, 4


def pack(value):
    """msgpack of None, bool, int, str, list and dict."""
    if value is None:
        return b"\xc0"
    if value is True or value is False:
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xd3" + struct.pack(">q", value) if value < 2**63 \
            else b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, str):
        data = value.encode()
        return b"\xdb" + struct.pack(">I", len(data)) + data
    if isinstance(value, list):
        return b"\xdd" + struct.pack(">I", len(value)) + \
            b"".join(map(pack, value))
    return b"\xdf" + struct.pack(">I", len(value)) + \
        b"".join(pack(k) + pack(v) for k, v in value.items())


SIZED = {0xc4: ">B", 0xc5: ">H", 0xc6: ">I", 0xd9: ">B", 0xda: ">H",
         0xdb: ">I", 0xdc: ">H", 0xdd: ">I", 0xde: ">H", 0xdf: ">I"}
FIXED = {0xca: ">f", 0xcb: ">d", 0xcc: ">B", 0xcd: ">H", 0xce: ">I",
         0xcf: ">Q", 0xd0: ">b", 0xd1: ">h", 0xd2: ">i", 0xd3: ">q"}
WORDS = {0xc0: None, 0xc2: False, 0xc3: True}


def unpack(data, at=0):
    """(value, offset behind it)."""
    head, at = data[at], at + 1
    if head < 0x80:
        return head, at
    if head >= 0xe0:
        return head - 256, at
    if head in WORDS:
        return WORDS[head], at
    if head in FIXED:
        size = struct.calcsize(FIXED[head])
        return struct.unpack_from(FIXED[head], data, at)[0], at + size
    if head in SIZED:
        count, = struct.unpack_from(SIZED[head], data, at)
        at += struct.calcsize(SIZED[head])
    else:
        count = head & (0x1f if 0xa0 <= head < 0xc0 else 0x0f)
    if 0xa0 <= head < 0xc0 or 0xc4 <= head <= 0xc6 or 0xd9 <= head <= 0xdb:
        raw = bytes(data[at:at + count])
        return (raw if head < 0xd9 and head >= 0xc4 else raw.decode()), \
            at + count
    if head < 0x90 or head >= 0xde:
        found = {}
        for _ in range(count):
            key, at = unpack(data, at)
            found[key], at = unpack(data, at)
        return found, at
    items = []
    for _ in range(count):
        item, at = unpack(data, at)
        items.append(item)
    return items, at


class Failure(Exception):
    """Raised by an answer: becomes an ERROR with code and text."""


class ScriptedService:
    """Answers (module, function) with answers[function](args)."""

    def __init__(self, path, **answers):
        self.answers = answers
        self.asked = []  # names of functions called, in order
        self.path = str(path)
        self.boot = int.from_bytes(os.urandom(6), "big")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(16)
        self.open = [self.listener]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in self.open:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()
        os.unlink(self.path)

    def count(self, function):
        return self.asked.count(function)

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(peer)
            threading.Thread(target=self.serve, args=(peer,),
                             daemon=True).start()

    @staticmethod
    def read(peer, count):
        data = b""
        while len(data) < count:
            part = peer.recv(count - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data

    def serve(self, peer):
        try:
            peer.sendall(b"\0SP\0" + struct.pack(">HH", 49, 0))
            self.read(peer, 8)
            while True:
                length, = struct.unpack(">Q", self.read(peer, 9)[1:])
                message = self.read(peer, length)
                body = self.answer(unpack(message[4:])[0])
                reply = message[:4] + pack(body)
                peer.sendall(b"\x01" + struct.pack(">Q", len(reply)) + reply)
        except (ConnectionError, OSError):
            peer.close()

    def answer(self, envelope):
        frames = []
        for frame in envelope[4]:
            if frame[0] == HELLO:
                frames.append([HELLO, 0, {
                    "v": 1, "max_bytes": 1 << 20, "name": "scripted",
                    "boot": self.boot, "mode": "unary"}])
            elif frame[0] == CALL:
                frames.append(self.call(frame))
        return [1, 0, 0, self.boot, frames]

    def call(self, frame):
        _, call_id, _, function, args = frame[:5]
        self.asked.append(function)
        if function not in self.answers:
            return [ERROR, call_id, "not_found", "no such function"]
        try:
            return [RESULT, call_id, self.answers[function](args)]
        except Failure as failure:
            return [ERROR, call_id, "internal", str(failure)]
