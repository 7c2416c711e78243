"""A WebSocket client that can do everything wrong on purpose.

Frames are written byte by byte as a test wants them; what comes back is read
frame by frame. Nothing here retries or repairs.
"""
import os
import socket
import struct

MORE, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x11\x22\x33\x44"


def mask_bytes(data, mask=MASK):
    if not data:
        return b""
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^
            int.from_bytes(key, "little")).to_bytes(size, "little")


def frame(kind, data=b"", last=True, rsv=0, masked=True, length=None):
    """One frame of a client; every field can be wrong."""
    data = data.encode() if isinstance(data, str) else data
    size = len(data) if length is None else length
    head = bytes([(0x80 if last else 0) | rsv << 4 | kind])
    bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", size)
    return head + (MASK + mask_bytes(data) if masked else data)


class Closed(Exception):
    """The peer closed the connection without (or after) a close frame."""


class WebSocket:
    """One raw connection, upgraded unless the test does that itself."""

    def __init__(self, port, path="/socket/websocket?vsn=2.0.0",
                 upgrade=True, timeout=10, headers=()):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffered = b""
        if upgrade:
            lines = [f"GET {path} HTTP/1.1", "Host: localhost",
                     "Upgrade: websocket", "Connection: Upgrade",
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                     "Sec-WebSocket-Version: 13", *headers, "", ""]
            self.write("\r\n".join(lines).encode())
            self.head = self.read_head()
            assert " 101 " in self.head.split("\r\n")[0], self.head

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def write(self, data):
        self.socket.sendall(data)

    def write_chopped(self, data, step):
        for at in range(0, len(data), step):
            self.socket.sendall(data[at:at + step])

    def send(self, kind, data=b"", **how):
        self.write(frame(kind, data, **how))

    def read_more(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise Closed
        self.buffered += data

    def take(self, size):
        while len(self.buffered) < size:
            self.read_more()
        data, self.buffered = self.buffered[:size], self.buffered[size:]
        return data

    def read_head(self):
        while b"\r\n\r\n" not in self.buffered:
            self.read_more()
        head, _, self.buffered = self.buffered.partition(b"\r\n\r\n")
        return head.decode()

    def read(self):
        """The next frame as (kind, data); servers mask and split nothing."""
        first, second = self.take(2)
        assert first & 0x70 == 0 and second & 0x80 == 0, (first, second)
        assert first & 0x80, "a server's frame is whole"
        size = second & 0x7f
        if size == 126:
            size, = struct.unpack(">H", self.take(2))
            assert size >= 126
        elif size == 127:
            size, = struct.unpack(">Q", self.take(8))
            assert size >= 65536
        return first & 15, self.take(size)

    def read_close(self):
        """The close code, None if it had none; then the connection ends."""
        kind, data = self.read()
        assert kind == CLOSE, (kind, data)
        code = struct.unpack(">H", data[:2])[0] if data else None
        self.until_end()
        return code

    def until_end(self):
        try:
            while True:
                self.read_more()
        except (Closed, ConnectionError):
            pass


def random_text(size):
    return os.urandom((size + 1) // 2).hex()[:size]
