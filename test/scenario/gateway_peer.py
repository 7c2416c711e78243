"""A gateway's end of the link in plain Python: what LINK.md says."""
import itertools
import socket
import struct
import time

from scripted_service import pack, unpack
from tree import until

SILENT_S = 0.5  # the other side gives up after three seconds
HELLO, CALL, RESULT, ERROR, CHUNK, END, CANCEL, CREDIT, PING = range(1, 10)


class Gateway:
    """One connection; frames in, frames out."""

    def __init__(self, url, seconds=10):
        self.socket = socket.socket(socket.AF_UNIX)
        until(lambda: self.meets(url.removeprefix("ipc://")), seconds,
              f"a service listens at {url}")
        self.socket.settimeout(seconds)
        self.socket.sendall(b"\0SP\0\0\x30\0\0")
        self.data = b""
        self.boot = self.seq = self.heard = 0
        self.ids = itertools.count(1)
        self.waiting = []  # frames read and not looked at yet
        self.fill(8)
        assert self.data[:8] == b"\0SP\0\0\x31\0\0"
        self.data = self.data[8:]
        self.send([HELLO, 0, {"v": 1, "max_bytes": 1 << 24, "name": "peer"}])
        self.hello = self.frame()
        assert self.hello[0] == HELLO

    def meets(self, path):
        """False while a young service has not bound or not listened yet."""
        return self.socket.connect_ex(path) == 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *frames):
        self.seq += 1
        self.sent = time.monotonic()
        body = struct.pack(">I", 0x80000000 | self.seq) + pack(
            [1, self.seq, self.heard, self.boot, list(frames)])
        self.socket.sendall(b"\x01" + struct.pack(">Q", len(body)) + body)

    def fill(self, count):
        while len(self.data) < count:
            part = self.socket.recv(1 << 18)
            if not part:
                raise ConnectionError("the service is gone")
            self.data += part

    def read(self):
        """One message: its frames join those that wait."""
        self.fill(9)
        size, = struct.unpack_from(">Q", self.data, 1)
        self.fill(9 + size)
        body, self.data = self.data[13:9 + size], self.data[9 + size:]
        version, seq, _, boot, frames = unpack(body)[0][:5]
        assert version == 1 and seq == self.heard + 1
        assert self.boot in (0, boot)
        self.heard, self.boot = seq, boot
        self.waiting += frames
        self.tell_life(any(frame[0] == PING for frame in frames))

    def tell_life(self, was_asked):
        """A PING may stand behind megabytes that we are slow to read."""
        if was_asked or time.monotonic() - self.sent > SILENT_S:
            self.send()

    def frame(self):
        while not self.waiting:
            self.read()
        return self.waiting.pop(0)

    def call(self, function, args=(), credit=0, deadline_ms=60000):
        number = next(self.ids)
        self.send([CALL, number, "m", function, list(args), deadline_ms, None,
                   credit])
        return number

    def answer(self, number):
        """The frames of one call, up to the last; others stay waiting."""
        seen, others = [], []
        while True:
            frame = self.frame()
            if frame[1] != number:
                others.append(frame)
                continue
            seen.append(frame)
            if frame[0] in (RESULT, ERROR, END):
                self.waiting = others + self.waiting
                return seen
