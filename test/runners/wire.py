"""The pool's end of the runner protocol, for tests of runners."""
import os
import pathlib
import select
import socket
import struct
import subprocess
import time

import msgpack

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ADAPTER = ROOT / "workers" / "worker_pool" / "python" / "banyan_runner.py"
EXAMPLES = ROOT / "workers" / "worker_pool" / "examples"
RUNNERS = ROOT / "test" / "runners"

(HELLO, CALL, RESULT, ERROR, CHUNK, END, CANCEL, CREDIT, PING, DRAINING,
 RECYCLE) = range(1, 12)
MAX_BYTES = 16 * 1024 * 1024
DEADLINE_S = 30  # a machine may be busy; nothing here waits for time to pass


def python(*modules, options=(), path=RUNNERS):
    """The command that starts the adapter, as a pool does."""
    return ["/usr/bin/python3", "-u", "-E", "-s", str(ADAPTER), *options,
            "--path", str(path), *modules]


def packed(*frames):
    bodies = [msgpack.packb(f, use_bin_type=True) for f in frames]
    return b"".join(struct.pack(">I", len(b)) + b for b in bodies)


class Runner:
    """A runner that was started, and what it says."""

    def __init__(self, command, threads=1, max_bytes=MAX_BYTES, greet=True,
                 limit=None, environment=()):
        self.sock, theirs = socket.socketpair()
        # a descriptor that is 3 already would stay close-on-exec
        theirs_fd = os.dup(theirs.fileno()) if theirs.fileno() == 3 else \
            theirs.fileno()

        def become_runner():
            os.dup2(theirs_fd, 3, inheritable=True)
            if limit:
                limit()

        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, pass_fds=(3,),
            preexec_fn=become_runner,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                 "PYTHONDONTWRITEBYTECODE": "1",
                 "BANYAN_POOL": "p", "BANYAN_RUNNER": "p/1",
                 **dict(environment)})
        theirs.close()
        self.bytes = b""
        self.heard = []
        self.threads = threads
        self.next_id = 1024
        if greet:
            self.say([HELLO, 0, {"v": 1, "pool": "p", "runner": "p/1",
                                 "threads": threads, "max_bytes": max_bytes}])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
        self.process.kill()
        self.process.communicate()

    def say(self, *frames):
        self.sock.sendall(packed(*frames))

    def read(self, until):
        """More bytes; False: the other end is closed."""
        left = until - time.monotonic()
        if left <= 0 or not select.select([self.sock], [], [], left)[0]:
            raise TimeoutError(f"the runner said nothing; heard: {self.heard}")
        try:
            data = self.sock.recv(1 << 20)
        except ConnectionError:
            data = b""
        self.bytes += data
        while len(self.bytes) >= 4:
            stop = 4 + int.from_bytes(self.bytes[:4], "big")
            if len(self.bytes) < stop:
                break
            self.heard.append(msgpack.unpackb(
                self.bytes[4:stop], timestamp=3, strict_map_key=False))
            self.bytes = self.bytes[stop:]
        return bool(data)

    def hear(self, deadline_s=DEADLINE_S):
        """The next frame; None: it closed."""
        until = time.monotonic() + deadline_s
        while not self.heard:
            if not self.read(until):
                return self.heard.pop(0) if self.heard else None
        return self.heard.pop(0)

    def ready(self):
        said = self.hear()
        if said is None:
            raise EOFError(self.ended()[1])
        assert said[:2] == [HELLO, 0] and said[2]["v"] == 1, said
        return said[2]

    def began(self):
        """Waits until a function has said so on its output."""
        assert self.process.stdout.readline() == b"began\n"

    def frame_of_call(self, name, *args, deadline_ms=0, caller=None, credit=0):
        module, function = name.rsplit(".", 1)
        self.next_id += 1024
        call = [CALL, self.next_id, module, function, list(args), deadline_ms]
        if caller is not None or credit:
            call.append(caller)
        if credit:
            call.append(credit)
        return call

    def start(self, name, *args, **more):
        call = self.frame_of_call(name, *args, **more)
        self.say(call)
        return call[1]

    def call(self, name, *args, **more):
        """Calls and gives the one answer, without its id."""
        ident = self.start(name, *args, **more)
        said = self.hear()
        assert said is not None, self.ended()
        assert said[1] == ident, said
        return [said[0], *said[2:]]

    def value(self, name, *args, **more):
        kind, *rest = self.call(name, *args, **more)
        assert kind == RESULT, rest
        return rest[0]

    def ended(self):
        """Waits for its end: (exit code, errors)."""
        _, errors = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, errors.decode(errors="replace")
