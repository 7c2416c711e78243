"""A pool's end of the runner protocol in plain Python: what RUNNER.md says."""
import itertools
import os
import socket
import struct
import subprocess
import time

from scripted_service import pack, unpack

HELLO, CALL, RESULT, ERROR, CHUNK, END, CANCEL, CREDIT, PING, DRAINING = \
    range(1, 11)


class Runner:
    """One runner and its socket; frames in, frames out."""

    def __init__(self, command, threads=1, max_bytes=1 << 24, greet=True,
                 env=None, module="trouble"):
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(20)
        self.module = module
        self.ids = itertools.count(1)
        self.data, self.waiting = b"", []

        def take_three():
            os.dup2(theirs.fileno(), 3)

        self.process = subprocess.Popen(
            [str(c) for c in command], preexec_fn=take_three, pass_fds=(3,),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(env or {})})
        theirs.close()
        if greet:
            self.send([HELLO, 0, {
                "v": 1, "pool": "test", "runner": "test/1",
                "threads": threads, "max_bytes": max_bytes}])
            self.hello = self.frame()
            assert self.hello[:2] == [HELLO, 0], self.hello

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.kill()
        self.process.communicate()

    def send(self, *frames):
        bodies = [pack(frame) for frame in frames]
        self.send_bytes(b"".join(
            struct.pack(">I", len(body)) + body for body in bodies))

    def send_bytes(self, data):
        self.socket.sendall(data)

    def frame(self):
        """The next frame, of those that wait or of the socket."""
        if self.waiting:
            return self.waiting.pop(0)
        while True:
            if len(self.data) >= 4:
                size, = struct.unpack_from(">I", self.data)
                if len(self.data) >= 4 + size:
                    value, at = unpack(self.data[4:4 + size])
                    assert at == size, "bytes behind a frame"
                    self.data = self.data[4 + size:]
                    return value
            part = self.socket.recv(1 << 18)
            if not part:
                raise ConnectionError("the runner is gone")
            self.data += part

    def call_frame(self, function, args=(), deadline_ms=60000, credit=0,
                   facts=None, module=None):
        return [CALL, next(self.ids), module or self.module, function,
                list(args), deadline_ms, facts, credit, None]

    def call(self, function, args=(), **more):
        frame = self.call_frame(function, args, **more)
        self.send(frame)
        return frame[1]

    def answer(self, number):
        """The frames of one call, up to the last; others stay waiting."""
        seen, others = [], []
        while True:
            frame = self.frame()
            if frame[0] == PING or frame[1] != number:
                others.append(frame)
                continue
            seen.append(frame)
            if frame[0] in (RESULT, ERROR, END):
                self.waiting = others + self.waiting
                return seen

    def result(self, function, args=(), **more):
        frame = self.answer(self.call(function, args, **more))[-1]
        assert frame[0] == RESULT, frame
        return frame[2]

    def ends(self, seconds=10):
        """(exit code, stdout, stderr) once it has ended."""
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out, err


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.01)
