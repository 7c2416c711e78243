"""A subscriber of the monitor's PUB socket over TCP, by hand: nng's SP wire,
and the signature of a message as any HMAC-SHA256 would make it."""
import hashlib
import hmac
import socket
import struct

SIGNATURE = 71  # "hmac" as a key, and 64 hex digits as a text


class Message:
    def __init__(self, raw):
        self.raw = raw
        self.topic, self.map = raw.split(b"\0", 1)
        self.topic = self.topic.decode()

    def pairs(self):
        """The map without its head, which counts the signature too."""
        return self.map[3 if self.map[0] == 0xde else 1:]

    def is_signed_with(self, secret):
        pairs, end = self.pairs()[:-SIGNATURE], self.map[-SIGNATURE:]
        made = hmac.new(secret, self.topic.encode() + b"\0" + pairs,
                        hashlib.sha256).hexdigest()
        return end == b"\xa4hmac\xd9\x40" + made.encode()

    def sequence(self):
        at = self.map.rindex(b"\xa8sequence") + 9
        kind = self.map[at]
        if kind < 0x80:
            return kind
        size, form = {0xcc: (1, ">B"), 0xcd: (2, ">H"), 0xce: (4, ">I"),
                      0xcf: (8, ">Q")}[kind]
        return struct.unpack(form, self.map[at + 1:at + 1 + size])[0]


class Subscriber:
    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.sendall(b"\0SP\0\0\x21\0\0")
        assert self.take(8) == b"\0SP\0\0\x20\0\0"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def take(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("hung up")
            data += piece
        return bytes(data)

    def read(self):
        length, = struct.unpack(">Q", self.take(8))
        return Message(self.take(length))

    def read_until(self, wanted):
        while True:
            message = self.read()
            if wanted(message):
                return message
