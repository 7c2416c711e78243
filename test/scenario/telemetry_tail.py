"""`banyan telemetry tail` and `bus tail` as a process beside a tree."""
import json
import os
import select
import signal
import subprocess
import time

from tree import BANYAN, until


class Tail:
    """Lines of JSON as they come; read_until is bounded."""

    def __init__(self, tree, *arguments, noun="telemetry", env=None):
        self.process = subprocess.Popen(
            [str(BANYAN), noun, "tail", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, env={**tree.env, **(env or {})})
        until(lambda: self.is_connected(tree, noun), 10, "tail listens")
        self.rest = b""
        self.seen = []
        self.said = None  # on stderr, once it has ended

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def is_connected(self, tree, noun):
        if self.process.poll() is not None:
            raise AssertionError("tail ended: " + self.process.stderr.read().decode())
        if noun == "telemetry":
            return attached(tree, f"tail-{self.process.pid}")
        # by its pid: the connection of one that ended may still be counted
        return self.process.pid in tree.banyan("bus", "status")["listener_pids"]

    def read_until(self, wanted, seconds=15):
        """Reads lines until `wanted(record)`; gives that record."""
        for record in self.seen:
            if wanted(record):
                return record
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            record = self.read(end - time.monotonic())
            if record is not None and wanted(record):
                return record
        raise AssertionError(f"it did not come; seen: {self.names()[-20:]}")

    def read(self, seconds):
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], max(seconds, 0))
            if not ready:
                return None
            got = os.read(self.process.stdout.fileno(), 65536)
            if not got:
                raise AssertionError("tail ended: " + self.process.stderr.read().decode())
            self.rest += got
        line, self.rest = self.rest.split(b"\n", 1)
        self.seen.append(json.loads(line))
        return self.seen[-1]

    def names(self):
        return [r.get("event") or r.get("topic") for r in self.seen]

    def event(self, name, seconds=15, **metadata):
        """The first record of that event whose metadata are these."""
        return self.read_until(
            lambda r: r.get("event") == name
            and all(r["metadata"].get(k) == v for k, v in metadata.items()), seconds)

    def end(self, number=signal.SIGTERM):
        if self.said is not None:
            return self.said  # communicate would give all of it again
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        for line in (self.rest + out).splitlines():
            if line.strip():
                self.seen.append(json.loads(line))
        self.rest = b""
        self.said = err.decode()
        return self.said


def attached(tree, name):
    """The names of those who hold an attachment that begins so."""
    status = tree.banyan("telemetry", "status")
    return [a for a in status["attachments"] if a["name"].startswith(name)]
