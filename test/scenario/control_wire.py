"""nng's SP wire by hand: what any program may send to control.ipc."""
import socket
import struct


class Control:
    """One connection; `ask` sends a request's bytes and gives the reply's."""

    def __init__(self, path, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.socket.sendall(b"\0SP\0\0\x30\0\0")
        assert self.take(8) == b"\0SP\0\0\x31\0\0"

    def take(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("hung up")
            data += piece
        return data

    def send(self, body):
        self.socket.sendall(b"\1" + struct.pack(">QI", 4 + len(body),
                                                0x80000001) + body)

    def answer(self):
        kind, length, _ = struct.unpack(">BQI", self.take(13))
        assert kind == 1
        return self.take(length - 4)

    def ask(self, body):
        self.send(body)
        return self.answer()

    def close(self):
        self.socket.close()
