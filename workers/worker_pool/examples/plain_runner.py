#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""plain_runner - a runner in 40 lines of Python: no adapter, no library.

Start it with `adapter: program`, `program: [/usr/bin/python3, plain_runner.py]`.
Texts below 256 bytes and small lists are all its msgpack knows: enough to
show the protocol (protocol/RUNNER.md). Its functions: shout, size.
"""
import os
import struct
import sys

pool = os.fdopen(3, "r+b", buffering=0)
os.set_inheritable(3, False)


def read(b, i):
    """The msgpack value at b[i], and where it ends."""
    t, i = b[i], i + 1
    if t < 0x80: return t, i
    if 0x90 <= t < 0xA0 or 0x80 <= t < 0x90:
        items = []
        for _ in range((t & 15) * (1 if t >= 0x90 else 2)):
            item, i = read(b, i)
            items.append(item)
        return items, i
    if 0xA0 <= t < 0xC0: return b[i:i + (t & 31)], i + (t & 31)
    if t == 0xD9: return b[i + 1:i + 1 + b[i]], i + 1 + b[i]
    if t in (0xC0, 0xC2, 0xC3): return {0xC0: None, 0xC2: False, 0xC3: True}[t], i
    n = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}[t]
    return int.from_bytes(b[i:i + n], "big"), i + n


def send(body):
    pool.write(struct.pack(">I", len(body)) + body)


def exactly(n):
    data = b""
    while len(data) < n:
        more = pool.read(n - len(data))
        if not more: sys.exit(0)  # the pool is gone
        data += more
    return data


def text(b): return b"\xd9" + bytes([len(b)]) + b
def number(n): return b"\xcf" + struct.pack(">Q", n)


while True:
    frame = read(exactly(int.from_bytes(exactly(4), "big")), 0)[0]
    kind, ident = frame[:2]
    if kind == 1: send(b"\x93\x01\x00\x81\xa1v\x01")  # HELLO {v: 1}: one call at a time
    if kind == 9: send(b"\x92\x09" + number(ident))   # PING
    if kind == 10: sys.exit(0)                        # DRAINING: nothing is left to do
    if kind == 2:
        function, args = frame[3], frame[4]
        if function == b"shout": send(b"\x93\x03" + number(ident) + text(args[0].upper()))
        elif function == b"size": send(b"\x93\x03" + number(ident) + number(len(args[0])))
        else: send(b"\x94\x04" + number(ident) + text(b"not_found") + text(function))
