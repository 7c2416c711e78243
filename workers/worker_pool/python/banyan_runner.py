#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""banyan_runner - makes the public functions of Python modules callable.

A pool with `adapter: python` starts it as

    /usr/bin/python3 -u -E -s banyan_runner.py [OPTIONS] MODULE…

README.md beside this file says how to write a function; protocol/RUNNER.md
what is said on descriptor 3.

Design notes

With one thread (process profile) calls run in the main thread: a hand-over
to another thread and back costs more than most functions. So nobody reads
the socket while a function runs, but for a watcher that looks ten times a
second, answers pings and hears of cancels. It sleeps for good while no call
runs, and costs a running function nothing but that look.

With several threads the main thread reads and nothing else, so pings are
answered at once; answers of all threads leave in one write, by whoever comes
first.

What few functions need (asyncio above all) is imported when one does: it is
half of the time from a runner's start to its HELLO.
"""
import argparse
import collections
import collections.abc
import datetime
import enum
import importlib
import os
import queue
import signal
import socket
import struct
import sys
import threading
import time
import traceback

import banyan

try:
    import msgpack
except ImportError:
    sys.exit("banyan_runner: no msgpack for this Python;"
             " apt install python3-msgpack")

(HELLO, CALL, RESULT, ERROR, CHUNK, END, CANCEL, CREDIT, PING, DRAINING,
 RECYCLE) = range(1, 12)
VERSION = 1
POOL_FD = 3
READ_BYTES = 64 * 1024
READ_MORE_BYTES = 1024 * 1024  # when a long frame is on its way
TEXT_LENGTH = 500              # of an error's text
TICK_S = 0.1                   # how often the watcher looks
IDLE_TICKS = 10                # looks without a call before it sleeps
REPORT_S = 10                  # one traceback of a place in so long
REPORT_PLACES = 256

PLAIN = {dict, list, tuple, str, int, float, bool, bytes, type(None)}


class Refused(Exception):
    """An answer that is no result: the code and text of an ERROR."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def to_plain(value):
    """What msgpack does not know, as something it does."""
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise TypeError("a datetime without time zone names no instant")
        return msgpack.Timestamp.from_datetime(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (set, frozenset, collections.abc.KeysView,
                          collections.abc.ValuesView)):
        return list(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, int):
        raise OverflowError("integer out of range, it has more than 64 bits")
    if hasattr(value, "tolist"):  # numpy's arrays and scalars
        return value.tolist()
    return to_plain_rarely(value)


def to_plain_rarely(value):
    import dataclasses
    import decimal
    import pathlib
    import uuid

    if isinstance(value, (decimal.Decimal, uuid.UUID, pathlib.PurePath)):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name)
                for f in dataclasses.fields(value)}
    raise TypeError(f"a value of type {type(value).__name__} cannot be sent")


class Call:
    """One call that was given and is not answered yet."""

    __slots__ = ("id", "name", "args", "until", "caller", "granted", "spent",
                 "was_cancelled", "wake", "runner")

    def __init__(self, frame, now, runner):
        self.id = frame[1]
        self.name = (frame[2], frame[3])
        self.args = frame[4]
        self.until = now + frame[5] / 1000 if frame[5] else 0
        self.caller = frame[6] if len(frame) > 6 else None
        # two counters with one writer each: bytes of chunks allowed, sent
        self.granted = (frame[7] or 0) if len(frame) > 7 else 0
        self.spent = 0
        self.was_cancelled = False
        self.wake = None  # an Event while a thread waits for credit
        self.runner = runner

    def is_cancelled(self):
        if not self.was_cancelled:
            self.runner.glance()
        return self.was_cancelled


class Wire:
    """Frames on a socket: many in one read, many in one write."""

    def __init__(self, sock):
        self.sock = sock
        self.max_bytes = 16 * 1024 * 1024
        self.rest = b""
        self.out = collections.deque()
        self.writing = threading.Lock()

    def read(self, flags=0):
        """At least one read's worth of frames; EOFError: the pool is gone."""
        size = READ_MORE_BYTES if self.rest else READ_BYTES
        try:
            data = self.sock.recv(size, flags)
        except ConnectionError:
            data = b""
        if not data:
            raise EOFError
        if self.rest:
            self.rest += data  # a bytearray: no copy of what is there
            data = self.rest
        return self.split(data)

    def split(self, data):
        frames = []
        at, end = 0, len(data)
        while end - at >= 4:
            stop = at + 4 + int.from_bytes(data[at:at + 4], "big")
            if stop - at - 4 > self.max_bytes:
                raise ValueError("the pool sent a frame above max_bytes")
            if stop > end:
                break
            frames.append(unpack(bytes(data[at + 4:stop])))
            at = stop
        if at == end:
            self.rest = b""
        elif at > 0 or data is not self.rest:
            self.rest = bytearray(data[at:])
        return frames

    def send(self, data):
        self.out.append(data)
        # whoever holds the lock looks again after letting go of it
        while self.out and self.writing.acquire(False):
            try:
                self.flush()
            finally:
                self.writing.release()

    def flush(self):
        data = self.out.popleft() if len(self.out) == 1 else b"".join(
            self.out.popleft() for _ in range(len(self.out)))
        try:
            self.sock.sendall(data)
        except OSError:
            os._exit(0)  # the pool is gone, or this is a forked child


def unpack(data):
    try:
        return msgpack.unpackb(data, strict_map_key=False, timestamp=3,
                               unicode_errors="replace")
    except (OverflowError, ValueError):
        # an instant that no datetime can hold stays a msgpack.Timestamp
        return msgpack.unpackb(data, strict_map_key=False,
                               unicode_errors="replace")


class Reports:
    """Tracebacks for the log, not more often than somebody can read them."""

    def __init__(self):
        self.last = {}
        self.lock = threading.Lock()

    def tell(self, name, error):
        """What a function raised, from the function on."""
        trace = error.__traceback__
        while trace and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        last = traceback.extract_tb(trace)[-1:]
        where = (last[0].filename, last[0].lineno) if last else name
        if self.is_new((type(error), where)):
            self.say(name, "".join(traceback.format_exception(
                type(error), error, trace, limit=-8)))

    def tell_refused(self, name, refused):
        if refused.code != "expired" and self.is_new((name, refused.code)):
            self.say(name, f"{refused.code}: {refused}\n")

    def is_new(self, place):
        now = time.monotonic()
        with self.lock:
            if now - self.last.get(place, -REPORT_S) < REPORT_S:
                return False
            if len(self.last) >= REPORT_PLACES:
                self.last.clear()
            self.last[place] = now
        return True

    @staticmethod
    def say(name, text):
        try:
            sys.stderr.write(f"{name[0]}.{name[1]}: {text}")
        except (AttributeError, OSError, ValueError):
            pass  # the function closed it: there is nowhere else to tell


class Worker:
    """Runs calls, one at a time, and says how they went."""

    def __init__(self, runner):
        self.runner = runner
        self.wire = runner.wire
        self.pack = msgpack.Packer(default=to_plain, datetime=True).pack
        self.loop = None

    def work(self, call):
        banyan._now.call = call
        try:
            answer = self.answer(call)
        except Refused as refused:
            self.runner.reports.tell_refused(call.name, refused)
            answer = self.error(call, refused.code, str(refused))
        except BaseException as error:  # sys.exit() of a function, too
            if isinstance(error, MemoryError):
                # what its frames hold is what the answer has no room for
                traceback.clear_frames(error.__traceback__)
            self.runner.reports.tell(call.name, error)
            answer = self.error(call, "exception", describe(error))
            if isinstance(error, MemoryError):
                self.runner.ask_for_recycling()
        banyan._now.call = None
        self.runner.done(call, answer)

    def answer(self, call):
        function = self.runner.functions.get(call.name)
        if function is None:
            raise Refused("not_found", "there is no function"
                          f" {call.name[0]}.{call.name[1]}")
        if call.until and time.monotonic() > call.until:
            raise Refused("expired", "its deadline passed before it began")
        if call.was_cancelled:
            raise Refused("expired", "cancelled before it began")
        result = function(*call.args)
        if type(result) not in PLAIN:
            if isinstance(result, collections.abc.Coroutine):
                result = self.event_loop().run_until_complete(result)
            if isinstance(result, collections.abc.AsyncGenerator):
                result = self.pulled(result)
            if isinstance(result, collections.abc.Iterator):
                return self.stream(call, result)
        return self.framed(b"\x93\x03", call, b"", self.packed(result))

    def stream(self, call, values):
        try:
            if not call.granted:
                raise Refused("bad_result", f"{call.name[1]} is a stream;"
                              " it was called for one result")
            self.send_chunks(call, values)
        finally:
            if hasattr(values, "close"):
                values.close()
        return self.framed(b"\x92\x06", call, b"", b"")

    def send_chunks(self, call, values):
        for index, value in enumerate(values):
            chunk = self.packed(value)
            if call.spent >= call.granted and not self.runner.wait_credit(call):
                return
            if call.was_cancelled:
                return
            call.spent += len(chunk)
            self.wire.send(
                self.framed(b"\x94\x05", call, self.pack(index), chunk))

    def pulled(self, values):
        """An asynchronous generator as a plain one."""
        loop = self.event_loop()
        try:
            while True:
                try:
                    value = loop.run_until_complete(values.__anext__())
                except StopAsyncIteration:
                    return
                yield value
        finally:
            loop.run_until_complete(values.aclose())

    def event_loop(self):
        if self.loop is None:
            import asyncio
            self.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self.loop)
        return self.loop

    def packed(self, value):
        try:
            return self.pack(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise Refused("bad_result", describe(error)) from None

    def framed(self, head, call, middle, value):
        ident = self.pack(call.id)
        length = len(head) + len(ident) + len(middle) + len(value)
        if length > self.wire.max_bytes:
            raise Refused("bad_result", f"the result takes {length} bytes,"
                          f" the limit is {self.wire.max_bytes}")
        return b"".join((struct.pack(">I", length), head, ident, middle, value))

    def error(self, call, code, text):
        return frame([ERROR, call.id, code, text])


def describe(error):
    text = type(error).__name__
    try:
        text += f": {error}" if str(error) else ""
    except Exception:  # a __str__ that fails has nothing to add
        pass
    return text[:TEXT_LENGTH].encode(errors="backslashreplace").decode()


def frame(value):
    body = msgpack.packb(value)
    return struct.pack(">I", len(body)) + body


class Runner:
    """What both profiles share: the calls, and what the pool says."""

    def __init__(self, wire, functions):
        self.wire = wire
        self.functions = functions
        self.calls = {}  # by id: given and not answered
        self.reports = Reports()
        self.is_draining = False
        self.wants_recycling = False

    def take(self, frames):
        now = time.monotonic()
        for said in frames:
            kind = said[0]
            if kind == CALL:
                call = Call(said, now, self)
                self.calls[call.id] = call
                self.give(call)
            elif kind == PING:
                self.wire.send(frame(said))
            elif kind == CANCEL:
                self.cancel(said[1])
            elif kind == CREDIT:
                self.credit(said[1], said[2])
            elif kind == DRAINING:
                self.is_draining = True

    def cancel(self, ident):
        call = self.calls.get(ident)
        if call is not None:
            call.was_cancelled = True
            if call.wake is not None:
                call.wake.set()

    def credit(self, ident, count):
        call = self.calls.get(ident)
        if call is not None:
            call.granted += count
            if call.wake is not None:
                call.wake.set()

    def ask_for_recycling(self):
        if not self.wants_recycling:
            self.wants_recycling = True
            self.wire.send(frame([RECYCLE, 0]))


class InlineRunner(Runner):
    """Process profile: calls run in the main thread."""

    def __init__(self, wire, functions):
        super().__init__(wire, functions)
        self.pending = collections.deque()
        self.reading = threading.Lock()
        self.is_busy = False
        self.is_parked = False  # the watcher sleeps until the bell
        self.bell = threading.Event()
        self.worker = Worker(self)
        self.looked = 0.0

    def give(self, call):
        self.pending.append(call)

    def done(self, call, answer):
        self.wire.send(answer)
        self.calls.pop(call.id, None)

    def run(self):
        self.bell.set()
        threading.Thread(target=self.watch, daemon=True).start()
        while True:
            if self.pending:
                self.is_busy = True
                if self.is_parked:
                    self.is_parked = False
                    self.bell.set()
                self.worker.work(self.pending.popleft())
                self.is_busy = False
            elif self.is_draining:
                return
            else:
                with self.reading:
                    if not self.pending and not self.is_draining:
                        self.take(self.wire.read())

    def watch(self):
        while True:
            self.bell.wait()
            self.bell.clear()
            quiet = 0
            while quiet < IDLE_TICKS:
                time.sleep(TICK_S)
                quiet = 0 if self.is_busy else quiet + 1
                if self.is_busy:
                    self.look()
            self.is_parked = True
            if self.is_busy:  # it began before it could see us parked
                self.bell.set()

    def look(self):
        """Takes what the pool has said while a function runs."""
        self.looked = time.monotonic()
        if not self.reading.acquire(False):
            return
        try:
            self.take(self.wire.read(socket.MSG_DONTWAIT))
        except BlockingIOError:
            pass
        except EOFError:
            os._exit(0)  # nobody is left to hear the answer
        finally:
            self.reading.release()

    def glance(self):
        if time.monotonic() - self.looked > TICK_S / 10:
            self.look()

    def wait_credit(self, call):
        while call.spent >= call.granted and not call.was_cancelled:
            with self.reading:
                if call.spent >= call.granted and not call.was_cancelled:
                    self.take(self.wire.read())
        return not call.was_cancelled

    def stop(self):
        self.is_draining = True
        if not self.is_busy:
            raise SystemExit(0)


class ThreadedRunner(Runner):
    """Thread profile: the main thread reads, others work."""

    def __init__(self, wire, functions, threads):
        super().__init__(wire, functions)
        self.threads = threads
        self.pending = queue.SimpleQueue()
        sys.setswitchinterval(0.001)  # the reader waits for busy threads

    def give(self, call):
        self.pending.put(call)

    def done(self, call, answer):
        # in this order: no call is left only when every answer has left, too
        self.wire.send(answer)
        self.calls.pop(call.id, None)
        if self.is_draining and not self.calls:
            self.wire.sock.shutdown(socket.SHUT_RD)  # wakes the reader

    def run(self):
        for _ in range(self.threads):
            threading.Thread(target=self.serve, daemon=True).start()
        while self.calls or not self.is_draining:
            self.take(self.wire.read())

    def serve(self):
        try:
            worker = Worker(self)
            while True:
                worker.work(self.pending.get())
        except BaseException:  # a thread less would be a lie about capacity
            traceback.print_exc()
            os._exit(70)

    def glance(self):
        pass  # the main thread hears of a cancel at once

    def wait_credit(self, call):
        call.wake = threading.Event()
        while call.spent >= call.granted and not call.was_cancelled:
            call.wake.wait()
            call.wake.clear()
        return not call.was_cancelled

    def stop(self):
        self.is_draining = True
        if not self.calls:
            raise SystemExit(0)


def public_functions(module):
    """What may be called: __all__, or the functions made in that module."""
    names = getattr(module, "__all__", None)
    for name in names if names is not None else dir(module):
        value = getattr(module, name, None)
        if name.startswith("_") or not callable(value) or \
                isinstance(value, type):
            continue
        if names is not None or \
                getattr(value, "__module__", None) == module.__name__:
            yield name, value


def load(names, checks_threads):
    functions = {}
    for name in names:
        try:
            module = importlib.import_module(name)
        except Exception as error:
            traceback.print_exc()
            sys.exit(f"banyan_runner: {name}: {describe(error)}")
        found = dict(public_functions(module))
        if not found:
            sys.exit(f"banyan_runner: {name} has no public function")
        if checks_threads and not getattr(module, "thread_safe", False):
            print(f"{name} does not say thread_safe = True",
                  file=sys.stderr)
        for function, value in found.items():
            functions[(name, function)] = value
    return functions


def read_options():
    parser = argparse.ArgumentParser(prog="banyan_runner")
    parser.add_argument("--path", default="",
                        help="folders of the modules, a colon between")
    parser.add_argument("--answers", default="always",
                        choices=["always", "idle"],
                        help="idle: functions hold the interpreter for"
                        " longer than a heartbeat")
    parser.add_argument("modules", nargs="+", metavar="MODULE")
    return parser.parse_args()


def open_wire():
    sock = socket.socket(fileno=POOL_FD)
    sock.setblocking(True)
    os.set_inheritable(POOL_FD, False)
    # a child made by fork must neither answer nor keep the socket open
    os.register_at_fork(after_in_child=sock.close)
    return Wire(sock)


def greet(wire):
    """The pool's HELLO; what came behind it is kept for later."""
    frames = []
    while not frames:
        frames = wire.read()
    kind, _, said = frames[0][:3]
    if kind != HELLO or said.get("v") != VERSION:
        sys.exit("banyan_runner: the pool speaks another protocol")
    wire.max_bytes = said["max_bytes"]
    return said["threads"], frames[1:]


def main():
    options = read_options()
    # -u makes every write a system call; a line at a time is enough
    for out in (sys.stdout, sys.stderr):
        out.reconfigure(line_buffering=True, write_through=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wire = open_wire()
    threads, early = greet(wire)
    sys.path[1:1] = [p for p in options.path.split(":") if p]
    functions = load(options.modules,
                     threads > 1 and "BANYAN_THREAD_CHECKS" in os.environ)
    runner = InlineRunner(wire, functions) if threads == 1 else \
        ThreadedRunner(wire, functions, threads)
    signal.signal(signal.SIGTERM, lambda *_: runner.stop())
    wire.send(frame([HELLO, 0, {"v": VERSION, "capacity": threads,
                                "answers": options.answers}]))
    runner.take(early)
    try:
        runner.run()
    except EOFError:
        # the pool is gone, or every call is answered and we were draining
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
