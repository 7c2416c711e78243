"""Functions for tests of the Python adapter: each does one thing."""
import asyncio
import collections
import ctypes
import dataclasses
import datetime
import decimal
import enum
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from os.path import basename  # imported: not ours, so not callable

import banyan

meeting = threading.Barrier(4)
closed = []


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Colour(enum.Enum):
    RED = "red"


def echo(*args):
    return args[0] if len(args) == 1 else list(args)


def who(*info):
    assert not info or info[-1] == banyan.caller()
    return banyan.caller()


def fail(text):
    raise ValueError(text)


def fail_strangely():
    class Strange(Exception):
        def __str__(self):
            raise RuntimeError
    raise Strange


def leave():
    sys.exit(3)


def nap(ms):
    time.sleep(ms / 1000)
    return ms


def nap_noted(ms, path):
    """Says in a file that it has begun."""
    with open(path, "w") as file:
        file.write("began")
    return nap(ms)


def turn(ms):
    """Keeps the processor, lets the interpreter go between steps."""
    end = time.monotonic() + ms / 1000
    while time.monotonic() < end:
        pass
    return ms


def hold():
    """Keeps the interpreter in C for ever."""
    print("began")
    re.match(r"(a+)+$", "a" * 64 + "b")


def until_cancelled():
    print("began")
    while not banyan.cancelled():
        time.sleep(0.001)
    return "cancelled"


def left():
    return banyan.remaining_ms()


def meet():
    """Comes back when four of us run at the same time."""
    meeting.wait(20)
    return True


def count(n):
    for i in range(n):
        yield i


def count_and_fail(n):
    yield from range(n)
    raise KeyError("enough")


def blobs(n, size):
    for _ in range(n):
        yield b"x" * size


def for_ever():
    try:
        for i in itertools.count():
            yield i
    finally:
        closed.append("for_ever")


def was_closed():
    return closed


def mapped(items):
    return map(str.upper, items)


async def later(value):
    await asyncio.sleep(0)
    return value


async def later_each(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


def type_of(value):
    return type(value).__name__


def value_of(what):
    return {
        "datetime": datetime.datetime(2026, 1, 2, 3, 4, 5,
                                      tzinfo=datetime.timezone.utc),
        "naive": datetime.datetime(2026, 1, 2),
        "date": datetime.date(2026, 1, 2),
        "decimal": decimal.Decimal("1.10"),
        "uuid": uuid.UUID(int=1),
        "set": {1},
        "tuple": (1, (2,)),
        "point": Point(1, 2),
        "colour": Colour.RED,
        "ordered": collections.OrderedDict(a=1),
        "bytes": b"\x00\xff",
        "nan": float("nan"),
        "huge": 2 ** 64,
        "most": 2 ** 64 - 1,
        "least": -2 ** 63,
        "object": object(),
        "surrogate": "\ud800",
        "function": echo,
    }[what]


def itself():
    items = []
    items.append(items)
    return items


def big(size):
    return b"x" * size


def descriptors():
    return sorted(int(n) for n in os.listdir("/proc/self/fd"))


def child_descriptors():
    """What a child made by exec finds open, and where it leads."""
    return subprocess.run(
        ["/bin/sh", "-c", "ls -l /proc/$$/fd"], close_fds=False,
        capture_output=True, text=True, check=True).stdout


def fork_and_return():
    """Both the parent and the child come back from here."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    return "parent" if pid else "child"


def fill_memory_to_the_brim():
    kept = []
    while True:
        kept.append(bytearray(4000))


def fill_memory():
    return len([b"x" * (1 << 20) for _ in range(100_000)])


def environment():
    return dict(os.environ)


def say(text):
    print(text)
    print(text, file=sys.stderr)


def _hidden():
    return "nobody may call this"


def crash(how):
    """Ends this process as foreign code in it would."""
    print("began")
    if how == "segfault":
        ctypes.string_at(0)
    elif how == "abort":
        os.abort()
    elif how == "stack":
        sys.setrecursionlimit(1 << 30)
        deeper = ["deeper"]
        for _ in range(1 << 20):
            deeper = [deeper]
        repr(deeper)
    elif how == "exit":
        os._exit(3)
    else:
        os.kill(os.getpid(), getattr(signal, how))
        time.sleep(60)


def loop_for_ever():
    """Lets the interpreter go between steps, and never ends."""
    end = time.monotonic() + 600
    while time.monotonic() < end:
        pass


def get_pid():
    return os.getpid()


def run_once(key, path):
    """Counts its executions where they outlive it."""
    with open(path, "a") as file:
        file.write(key + "\n")
    time.sleep(0.002)
    return key


def noted_stream(path, size):
    """A stream that notes how far it got, and that it was closed."""
    count = 0
    try:
        while True:
            yield "x" * size
            count += 1
            with open(path, "w") as file:
                file.write(str(count))
    finally:
        with open(path + ".closed", "w") as file:
            file.write("closed")


def noted_wait(path):
    """Waits until nobody waits for it, and notes that."""
    with open(path, "w") as file:
        file.write("began")
    while not banyan.cancelled():
        time.sleep(0.005)
    with open(path + ".cancelled", "w") as file:
        file.write("cancelled")


def deep(levels):
    value = None
    for _ in range(levels):
        value = [value]
    return value


def year_of(instant):
    return instant.year
