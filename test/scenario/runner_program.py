#!/usr/bin/python3
"""A runner that does as it is told: good and evil, one call at a time.

Started by a pool with `adapter: program`; the function's name says what it
does. Written from protocol/RUNNER.md alone.
"""
import os
import signal
import socket
import struct
import sys
import time

import msgpack

HELLO, CALL, RESULT, ERROR, CHUNK, END, CANCEL, CREDIT, PING, DRAINING, \
    RECYCLE = range(1, 12)
WHO = os.environ["BANYAN_RUNNER"]
HOME = sys.argv[1]  # a folder for what must outlive us
pool = socket.socket(fileno=3)
buffer = b""


def say(*frame):
    body = msgpack.packb(frame)
    pool.sendall(struct.pack(">I", len(body)) + body)


def hear():
    global buffer
    while True:
        if len(buffer) >= 4:
            length = struct.unpack(">I", buffer[:4])[0]
            if len(buffer) >= 4 + length:
                body, buffer = buffer[4:4 + length], buffer[4 + length:]
                return msgpack.unpackb(body, strict_map_key=False)
        more = pool.recv(65536)
        if not more:
            sys.exit(0)
        buffer += more


def note(name, text):
    with open(os.path.join(HOME, name), "a") as file:
        file.write(text + "\n")


def spin(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def fork_away():
    """A child in a session of its own that outlives us."""
    if os.fork() == 0:
        os.setsid()
        pool.close()
        note("left", str(os.getpid()))
        time.sleep(600)
        os._exit(0)


def eat():
    held = []
    while True:
        held.append(bytearray(1 << 24))


def run(call, function, args, credit):
    if function == "echo":
        say(RESULT, call, args[0] if args else None)
    elif function == "who":
        say(RESULT, call, WHO)
    elif function == "pid":
        say(RESULT, call, os.getpid())
    elif function == "environment":
        say(RESULT, call, sorted(os.environ))
    elif function == "count":
        note("count", args[0])
        say(RESULT, call, args[0])
    elif function == "count_slow":
        note("count", args[0])
        time.sleep(0.002)
        say(RESULT, call, args[0])
    elif function == "sleep":
        time.sleep(args[0] / 1000)
        say(RESULT, call, args[0])
    elif function == "spin":
        spin(args[0] / 1000)
        say(RESULT, call, args[0])
    elif function in ("never", "hold"):
        note("held", WHO)
        while True:
            time.sleep(1)
    elif function == "die":
        os._exit(args[0] if args else 3)
    elif function == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif function == "segfault_once":
        if not os.path.exists(os.path.join(HOME, "crashed")):
            note("crashed", "")
            os.kill(os.getpid(), signal.SIGSEGV)
        say(RESULT, call, True)
    elif function == "twice":
        say(RESULT, call, 1)
        say(RESULT, call, 2)
    elif function == "unknown":
        say(RESULT, call + 4096, 1)
    elif function == "garbage":
        pool.sendall(b"\0\0\0\4\xc1\xc1\xc1\xc1")
    elif function == "huge":
        pool.sendall(b"\xff\xff\xff\xff")
    elif function == "hang_up":
        pool.shutdown(socket.SHUT_RDWR)
        time.sleep(600)
    elif function == "fail":
        say(ERROR, call, "exception", args[0])
    elif function == "print":
        for _ in range(args[1]):
            print(args[0], flush=True)
        say(RESULT, call, len(args[0]))
    elif function == "fork":
        fork_away()
        say(RESULT, call, True)
    elif function == "eat":
        eat()
    elif function == "parts":
        for i in range(args[0]):
            say(CHUNK, call, i, i)
        say(END, call)
    elif function == "no_credit":
        for i in range(3):
            say(CHUNK, call, i, "x" * 10)
        say(RESULT, call, None)
    elif function == "retire":
        say(RESULT, call, WHO)
        say(RECYCLE, 0)
    else:
        say(ERROR, call, "no_function", function)


def main():
    if "deaf" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "dies" in sys.argv:
        print("no database", file=sys.stderr)
        sys.exit(3)
    if "rubbish" in sys.argv:
        pool.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        time.sleep(600)
    if "mute" in sys.argv:
        time.sleep(600)
    hear()
    if "storm" in sys.argv:
        say(HELLO, 0, {"v": 1, "capacity": 1, "answers": "idle"})
        time.sleep(0.1)
        os._exit(1)
    say(HELLO, 0, {"v": 1, "capacity": 1, "answers": "idle"})
    while True:
        frame = hear()
        if frame[0] == CALL:
            credit = frame[7] if len(frame) > 7 else 0
            run(frame[1], frame[3], frame[4], credit)
        elif frame[0] == PING:
            say(PING, frame[1])
        elif frame[0] == DRAINING and "deaf" not in sys.argv:
            sys.exit(0)


main()
