#!/usr/bin/python3
"""Runners that misbehave, each in one way: what a pool must survive.

usage: evil.py NAME [always|idle]      (evil.py list: all names, with what they do)

Those under AT_START do it at once. The others are good runners, one call at a
time, whose function `echo` gives its first argument back, until their function
`evil` is called. Everything here is bounded: a machine outlives it.
"""
import os
import resource
import select
import signal
import socket
import struct
import sys
import time

import msgpack

(HELLO, CALL, RESULT, ERROR, CHUNK, END, CANCEL, CREDIT, PING, DRAINING,
 RECYCLE) = range(1, 12)
CHILDREN = 20
MOST_SECONDS = 600  # of anything that goes on "for ever"

AT_START, AT_CALL = {}, {}


def at_start(function):
    AT_START[function.__name__] = function


def at_call(function):
    AT_CALL[function.__name__] = function


def send(*frame):
    body = msgpack.packb(frame)
    pool.sendall(struct.pack(">I", len(body)) + body)


def exactly(count):
    data = b""
    while len(data) < count:
        more = pool.recv(count - len(data))
        if not more:
            sys.exit(0)
        data += more
    return data


def receive():
    return put_off.pop(0) if put_off else read_frame()


def live_on(seconds=0):
    """Answers the pings of so long a time, and puts off all else: a runner
    that is busy with one oddity must not seem to be hung as well."""
    end = time.monotonic() + seconds
    while select.select([pool], [], [], max(0, end - time.monotonic()))[0]:
        said = read_frame()
        if said[0] == PING:
            send(PING, said[1])
        else:
            put_off.append(said)


def read_frame():
    return msgpack.unpackb(exactly(int.from_bytes(exactly(4), "big")),
                           strict_map_key=False)


def hello():
    send(HELLO, 0, {"v": 1, "capacity": 1, "answers": answers})


def for_ever():
    end = time.monotonic() + MOST_SECONDS
    while time.monotonic() < end:
        yield


# ---- at the start --------------------------------------------------------


@at_start
def dies_at_once():
    """ends with 1 before it says anything"""
    sys.exit(1)


@at_start
def is_killed_at_once():
    """dies of a signal before it says anything"""
    os.kill(os.getpid(), signal.SIGSEGV)


@at_start
def exits_after_hello():
    """says HELLO and ends with 0"""
    hello()
    sys.exit(0)


@at_start
def never_says_hello():
    """starts and is silent"""
    time.sleep(MOST_SECONDS)


@at_start
def stops_before_hello():
    """sends itself SIGSTOP before it says anything"""
    os.kill(os.getpid(), signal.SIGSTOP)
    hello()


@at_start
def speaks_garbage_at_once():
    """says something else than HELLO"""
    pool.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
    time.sleep(MOST_SECONDS)


@at_start
def says_another_version():
    """says HELLO of a version nobody knows"""
    send(HELLO, 0, {"v": 99})
    time.sleep(MOST_SECONDS)


@at_start
def answers_before_hello():
    """answers a call before it has said HELLO"""
    send(RESULT, 1024, "early")
    time.sleep(MOST_SECONDS)


# ---- when `evil` is called -----------------------------------------------


@at_call
def speaks_garbage(call):
    """answers with bytes that are no frame"""
    pool.sendall(b"\x00\x00\x00\x05\xc1\xc1\xc1\xc1\xc1")


@at_call
def sends_a_huge_length(call):
    """announces a frame of 4 GiB"""
    pool.sendall(b"\xff\xff\xff\xff" + b"x" * 1000)


@at_call
def answers_twice(call):
    """answers the call two times"""
    send(RESULT, call[1], "one")
    send(RESULT, call[1], "two")


@at_call
def answers_unknown(call):
    """answers a call that was never given"""
    send(RESULT, call[1] + (1 << 40), "made up")


@at_call
def answers_late(call):
    """answers a tenth of a second after the deadline"""
    live_on(call[5] / 1000 + 0.1)
    send(RESULT, call[1], "late")


@at_call
def says_hello_twice(call):
    """says HELLO again"""
    hello()


@at_call
def pongs_unasked(call):
    """answers pings nobody sent"""
    send(PING, 1 << 40)


@at_call
def orders_the_pool(call):
    """sends a frame that is only the pool's to send"""
    send(DRAINING, 0)


@at_call
def dies(call):
    """dies of SIGKILL with the call in its hands"""
    os.kill(os.getpid(), signal.SIGKILL)


@at_call
def exits(call):
    """ends with 3 with the call in its hands"""
    sys.exit(3)


@at_call
def half_dead(call):
    """answers pings and no calls, the one it has and all later ones"""
    for _ in for_ever():
        said = receive()
        if said[0] == PING:
            send(PING, said[1])


@at_call
def loops_for_ever(call):
    """uses the processor and never comes back"""
    for _ in for_ever():
        pass


@at_call
def sleeps_for_ever(call):
    """waits for nothing and never comes back"""
    time.sleep(MOST_SECONDS)


@at_call
def stops_itself(call):
    """sends itself SIGSTOP"""
    os.kill(os.getpid(), signal.SIGSTOP)
    send(RESULT, call[1], "woken")


@at_call
def closes_descriptor_3(call):
    """closes the pool's socket and lives on"""
    pool.close()
    time.sleep(MOST_SECONDS)


@at_call
def eats_memory(call):
    """takes memory until there is none: its limit, or 1 GiB if it has none"""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    eaten = []
    try:
        while soft != resource.RLIM_INFINITY or len(eaten) < 64:
            eaten.append(b"x" * (16 << 20))
            live_on()
    except MemoryError:
        pass
    count = len(eaten)
    eaten.clear()
    send(RESULT, call[1], count)


@at_call
def forks_children(call):
    """has children that hold its descriptors, and dies"""
    for _ in range(CHILDREN):
        if os.fork() == 0:
            time.sleep(MOST_SECONDS)
            os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


@at_call
def prints_for_ever(call):
    """writes to its output without end, then without a line end"""
    lines = b"x" * 80 + b"\n"
    for _ in range(2000):
        os.write(1, lines * 10)
        os.write(2, lines * 10)
        live_on()
    for _ in range(200):
        os.write(1, b"y" * 4096)
        live_on()
    send(RESULT, call[1], "printed")


@at_call
def prints_control_bytes(call):
    """writes what a log or a terminal should not be shown"""
    os.write(1, b"\x1b[2J\x00\xff\xfe\r\x07 level=error fake\n")
    os.write(2, '{"level":"error"}\n'.encode() + b"\xc3")
    send(RESULT, call[1], "printed")


@at_call
def floods_chunks(call):
    """sends chunks without end and without asking for credit"""
    for index, _ in enumerate(for_ever()):
        send(CHUNK, call[1], index, b"x" * 65536)


@at_call
def overdraws_once(call):
    """sends one chunk more than its credit allows, then ends properly"""
    size = 1 << 16
    count = (call[7] if len(call) > 7 else 0) // size + 2
    for index in range(count):
        send(CHUNK, call[1], index, b"x" * size)
    send(END, call[1])


@at_call
def skips_a_chunk(call):
    """numbers its chunks wrong"""
    send(CHUNK, call[1], 0, "a")
    send(CHUNK, call[1], 2, "c")


@at_call
def nests_too_deep(call):
    """answers with a list in a list, a hundred times over"""
    body = b"\x93\x03\xcf" + struct.pack(">Q", call[1]) + b"\x91" * 100 + b"\xc0"
    pool.sendall(struct.pack(">I", len(body)) + body)


@at_call
def sends_byte_by_byte(call):
    """answers rightly, one byte a write"""
    body = msgpack.packb([RESULT, call[1], "slow but right"])
    for byte in struct.pack(">I", len(body)) + body:
        pool.sendall(bytes([byte]))
        time.sleep(0.002)


@at_call
def stops_in_a_frame(call):
    """sends half an answer and nothing more"""
    body = msgpack.packb([RESULT, call[1], "never whole"])
    pool.sendall((struct.pack(">I", len(body)) + body)[:-3])
    time.sleep(MOST_SECONDS)


@at_call
def ignores_being_asked_to_stop(call):
    """from now on TERM and DRAINING mean nothing to it"""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ignored.append(DRAINING)
    send(RESULT, call[1], "stubborn")


@at_call
def asks_to_be_replaced(call):
    """sends RECYCLE, then answers"""
    send(RECYCLE, 0)
    send(RESULT, call[1], "tired")


ignored = []
put_off = []  # frames read while it was busy, but not looked at


def serve(evil):
    while True:
        said = receive()
        if said[0] == PING:
            send(PING, said[1])
        elif said[0] == DRAINING and DRAINING not in ignored:
            sys.exit(0)
        elif said[0] == CALL and said[3] == "evil":
            evil(said)
        elif said[0] == CALL and said[3] == "pid":
            send(RESULT, said[1], os.getpid())
        elif said[0] == CALL:
            send(RESULT, said[1], said[4][0] if said[4] else None)


if sys.argv[1] == "list":
    for when, kind in ("start", AT_START), ("call", AT_CALL):
        for name, function in kind.items():
            print(f"{name:28} {when:6} {function.__doc__}")
    sys.exit(0)
pool = socket.socket(fileno=3)
answers = sys.argv[2] if len(sys.argv) > 2 else "always"
if sys.argv[1] in AT_START:
    receive()
    AT_START[sys.argv[1]]()
else:
    assert receive()[0] == HELLO
    hello()
    serve(AT_CALL[sys.argv[1]])
