"""A service node in plain Python: what LINK.md says, and on demand its breach.

usage: service.py URL [NAME]      (as a program; or `Service` in a test)

Its functions, by name:
  echo        gives its arguments back
  slow MS     answers after that many ms
  fail TEXT   answers with an error
  never       does not answer
  bad_key     answers with a map JSON has no words for
  big BYTES   answers with a text of that size
  who         answers with the service's name
  bytes       answers with bytes that are no text
  die         ends the process

and in parts, never beyond the credit it was given:
  count N [MS]     N numbers, then the end; a pause of MS before each
  parts LIST       the items; the last of them is the last part
  forever BYTES    texts of that size without an end
  fail_after N     N numbers, then an error
  stall N          N numbers, then nothing
  bad_part         a number, then a map JSON has no words for
  die_after N      N numbers, then the process ends
  greedy BYTES     a text at once for ever, whatever its credit
  odd_index        a part whose number is not the next one
  part_then_answer a part where none was asked for, then an answer

What it heard and did, for a test to ask for:
  seen             {"cancels": N, "made": parts of `forever`, "ran": calls}
"""
import heapq
import itertools
import os
import selectors
import socket
import struct
import sys
import time

HELLO, CALL, RESULT, ERROR, CHUNK, END, CANCEL, CREDIT = 1, 2, 3, 4, 5, 6, 7, 8
MESSAGE_BYTES = 1 << 20  # the link takes 16 MiB at most


def pack(value):
    """msgpack, as much of it as the link needs."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if value >= 0:
            return bytes([value]) if value < 128 else \
                b"\xcf" + struct.pack(">Q", value)
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogateescape")
        return b"\xdb" + struct.pack(">I", len(data)) + data
    if isinstance(value, bytes):
        return b"\xc6" + struct.pack(">I", len(value)) + value
    if isinstance(value, (list, tuple)):
        return b"\xdd" + struct.pack(">I", len(value)) + \
            b"".join(map(pack, value))
    return b"\xdf" + struct.pack(">I", len(value)) + \
        b"".join(pack(k) + pack(v) for k, v in value.items())


FIXED = {0xca: ">f", 0xcb: ">d", 0xcc: ">B", 0xcd: ">H", 0xce: ">I",
         0xcf: ">Q", 0xd0: ">b", 0xd1: ">h", 0xd2: ">i", 0xd3: ">q"}
SIZED = {0xc4: ">B", 0xc5: ">H", 0xc6: ">I", 0xd9: ">B", 0xda: ">H",
         0xdb: ">I", 0xdc: ">H", 0xdd: ">I", 0xde: ">H", 0xdf: ">I"}


def unpack(data, at=0):
    """One value and where it ended."""
    byte = data[at]
    at += 1
    if byte < 0x80:
        return byte, at
    if byte >= 0xe0:
        return byte - 256, at
    if byte in (0xc0, 0xc2, 0xc3):
        return {0xc0: None, 0xc2: False, 0xc3: True}[byte], at
    if byte in FIXED:
        size = struct.calcsize(FIXED[byte])
        return struct.unpack_from(FIXED[byte], data, at)[0], at + size
    if byte < 0xc0:
        kind = {0x8: "map", 0x9: "array"}.get(byte >> 4, "text")
        count = byte & (31 if kind == "text" else 15)
    else:
        size = struct.calcsize(SIZED[byte])
        count, = struct.unpack_from(SIZED[byte], data, at)
        at += size
        kind = {0xc4: "bin", 0xd8: "text", 0xdc: "array", 0xde: "map"}[
            byte & 0xfe if byte > 0xdb else (0xc4 if byte < 0xc7 else 0xd8)]
    if kind == "text":
        return data[at:at + count].decode("utf-8", "replace"), at + count
    if kind == "bin":
        return bytes(data[at:at + count]), at + count
    items = []
    for _ in range(count * 2 if kind == "map" else count):
        item, at = unpack(data, at)
        items.append(item)
    if kind == "map":
        return dict(zip(items[::2], items[1::2])), at
    return items, at


class Peer:
    """One gateway's connection."""

    def __init__(self, sock):
        self.socket = sock
        self.data = b""
        self.greeted = False
        self.seq = self.heard = 0
        self.last_id = b"\x80\0\0\0"
        self.streams = {}  # call id → Stream


class Stream:
    """Parts of one call: made one by one, as its credit allows."""

    def __init__(self, values, last, credit, pause_s=0):
        self.values = iter(values)
        self.last = last  # the frame behind the parts, or None
        self.credit = credit
        self.pause_s = pause_s
        self.index = 0


def until_death(count):
    yield from range(count)
    os._exit(9)


class Service:
    def __init__(self, url, name="test"):
        self.name = name
        self.boot = struct.unpack(">Q", b"\0" + os.urandom(7))[0] + 1
        path = url.removeprefix("ipc://")
        if os.path.exists(path):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.later = []
        self.cancels = self.made = self.ran = 0
        self.order = itertools.count()

    def run(self):
        while True:
            wait = None
            if self.later:
                wait = max(0, self.later[0][0] - time.monotonic())
            for key, _ in self.selector.select(wait):
                if key.fileobj is self.listener:
                    sock, _ = self.listener.accept()
                    self.selector.register(sock, selectors.EVENT_READ,
                                           Peer(sock))
                    sock.sendall(b"\0SP\0\0\x31\0\0")
                else:
                    self.read(key.data)
            while self.later and self.later[0][0] <= time.monotonic():
                _, _, peer, frames = heapq.heappop(self.later)
                if isinstance(frames, int):  # a stream whose pause is over
                    frames = self.pump(peer, frames)
                if frames:
                    self.send(peer, frames)

    def drop(self, peer):
        self.selector.unregister(peer.socket)
        peer.socket.close()

    def read(self, peer):
        try:
            data = peer.socket.recv(1 << 20)
        except ConnectionError:
            data = b""
        if not data:
            self.drop(peer)
            return
        peer.data += data
        if not peer.greeted:
            if len(peer.data) < 8:
                return
            peer.data, peer.greeted = peer.data[8:], True
        answers = []
        while len(peer.data) >= 9:
            size, = struct.unpack_from(">Q", peer.data, 1)
            if len(peer.data) < 9 + size:
                break
            body, peer.data = peer.data[9:9 + size], peer.data[9 + size:]
            peer.last_id = body[:4]
            (_, peer.heard, _, _, frames, *_), _ = unpack(body, 4)
            for frame in frames:
                answers += self.take(peer, frame)
        if answers:
            self.send(peer, answers)

    def send(self, peer, frames):
        """As many messages as it takes: a too big one ends the link."""
        some, size = [], 0
        for one in frames:
            size += len(pack(one))
            if some and size > MESSAGE_BYTES:
                self.send_message(peer, some)
                some, size = [], len(pack(one))
            some.append(one)
        self.send_message(peer, some)

    def send_message(self, peer, frames):
        peer.seq += 1
        body = peer.last_id + pack([1, peer.seq, peer.heard, self.boot,
                                    frames])
        try:
            peer.socket.sendall(b"\x01" + struct.pack(">Q", len(body)) + body)
        except OSError:
            pass

    def take(self, peer, frame):
        kind, number = frame[:2]
        if kind == HELLO:
            return [[HELLO, 0, {"v": 1, "boot": self.boot, "mode": "stream",
                                "max_bytes": 1 << 24, "name": self.name}]]
        if kind == CANCEL:
            self.cancels += 1
            peer.streams.pop(number, None)
        elif kind == CREDIT and number in peer.streams:
            peer.streams[number].credit += frame[2]
            if not peer.streams[number].pause_s:
                return self.pump(peer, number)
        if kind != CALL:
            return []
        self.ran += frame[3] != "seen"
        if frame[3] == "hints":
            return [[RESULT, number, frame[8] if len(frame) > 8 else None]]
        stream = self.stream(number, frame[3], frame[4],
                             frame[7] if len(frame) > 7 else 0)
        if stream is None:
            return self.call(peer, number, frame[3], frame[4])
        peer.streams[number] = stream
        if stream.pause_s:
            self.wait(stream.pause_s, peer, number)
            return []
        return self.pump(peer, number)

    def wait(self, seconds, peer, what):
        heapq.heappush(self.later, (time.monotonic() + seconds,
                                    next(self.order), peer, what))

    def endless(self, size):
        while True:
            self.made += 1
            yield "x" * size

    def stream(self, number, function, args, credit):
        """The Stream a function answers with, or None."""
        end = [END, number]
        if function == "count":
            pause_s = args[1] / 1000 if len(args) > 1 and args[1] else 0
            return Stream(range(args[0]), end, credit, pause_s)
        if function == "parts":
            last = [RESULT, number, args[0][-1]]
            return Stream(args[0][:-1], last, credit)
        if function == "forever":
            return Stream(self.endless(args[0]), end, credit)
        if function == "fail_after":
            return Stream(range(args[0]),
                          [ERROR, number, "internal", "no more"], credit)
        if function == "stall":
            return Stream(range(args[0]), None, credit)
        if function == "bad_part":
            return Stream([1, {2: "a number for a key"}, 3], end, credit)
        if function == "die_after":
            return Stream(until_death(args[0]), end, credit)
        if function == "greedy":
            return Stream(itertools.repeat("x" * args[0], 1000), end, 1 << 60)
        return None

    def pump(self, peer, number):
        """Frames of the parts that the credit allows now."""
        stream, frames = peer.streams.get(number), []
        while stream is not None and stream.credit > 0:
            value = next(stream.values, stream)
            if value is stream:
                del peer.streams[number]
                return frames + ([stream.last] if stream.last else [])
            frames.append([CHUNK, number, stream.index, value])
            stream.index += 1
            stream.credit -= len(pack(value))
            if stream.pause_s:
                self.wait(stream.pause_s, peer, number)
                break
            if stream.index % 64 == 0:
                self.send(peer, frames)
                frames = []
        return frames

    def call(self, peer, number, function, args):
        if function == "echo":
            return [[RESULT, number, args]]
        if function == "who":
            return [[RESULT, number, self.name]]
        if function == "bytes":
            return [[RESULT, number, b"\xff\0"]]
        if function == "fail":
            return [[ERROR, number, "internal", str(args[0])]]
        if function == "bad_key":
            return [[RESULT, number, {1: "a number for a key"}]]
        if function == "not_utf8":
            return [[RESULT, number, "a\udcffb"]]
        if function == "big":
            return [[RESULT, number, "x" * args[0]]]
        if function == "seen":
            return [[RESULT, number, {"cancels": self.cancels,
                                      "made": self.made, "ran": self.ran}]]
        if function == "odd_index":
            return [[CHUNK, number, 0, 1], [CHUNK, number, 7, 2]]
        if function == "part_then_answer":
            return [[CHUNK, number, 0, 1], [RESULT, number, 2]]
        if function == "twice":
            return [[RESULT, number, 1], [RESULT, number, 2]]
        if function == "slow":
            self.wait(args[0] / 1000, peer, [[RESULT, number, args[0]]])
        if function == "die":
            os._exit(9)
        return []


if __name__ == "__main__":
    Service(*sys.argv[1:]).run()
