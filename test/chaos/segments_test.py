"""Bits flip in shared memory: damage is noticed, the tree becomes whole."""
import json
import os
import random

import pytest

from tree import Tree, until

CALL = ("user_service", "get_user", {"user_id": "u42"})
HEADER = 128


def segment(tree, name):
    """The guard's descriptor of a segment, opened for writing."""
    folder = f"/proc/{tree.daemon.pid}/fd"
    for number in os.listdir(folder):
        try:
            if f"memfd:banyan-{name} " in os.readlink(f"{folder}/{number}"):
                return open(f"{folder}/{number}", "r+b", buffering=0)
        except FileNotFoundError:
            pass
    raise AssertionError(f"the guard has no segment {name}")


def flip(file, at, bit):
    file.seek(at)
    byte = file.read(1)[0]
    file.seek(at)
    file.write(bytes([byte ^ 1 << bit]))


def is_answered(tree):
    code, response = tree.call(*CALL)
    return code == 0 and response["result"]["name"] == "Alice"


@pytest.mark.parametrize("name", ["stats", "events", "limits", "routes"])
def test_a_header_written_over_gives_new_segments_and_a_whole_tree(name):
    with Tree() as tree:
        tree.until_whole()
        with segment(tree, name) as file:
            before = os.fstat(file.fileno()).st_ino
            flip(file, 40, 3)

        def is_new():
            try:
                with segment(tree, name) as file:
                    return os.fstat(file.fileno()).st_ino != before
            except AssertionError:
                return False
        until(is_new, 10, f"{name} is made anew\n{tree.log()[-2000:]}")
        tree.until_whole()
        until(lambda: is_answered(tree), 10, "calls are answered")


@pytest.mark.parametrize("name", ["stats", "events", "limits", "routes"])
def test_flipped_bits_anywhere_else_are_lived_with(name):
    seed = random.randrange(1 << 32)
    print(json.dumps({"seed": seed}))
    choice = random.Random(seed)
    with Tree() as tree:
        tree.until_whole()
        with segment(tree, name) as file:
            size = os.fstat(file.fileno()).st_size
            if name == "limits":
                size = min(size, 1 << 20)  # where the tags are
            for _ in range(2000):
                flip(file, choice.randrange(HEADER, size),
                     choice.randrange(8))
        until(lambda: is_answered(tree), 15, "calls are answered")
        tree.until_whole(30)
        assert is_answered(tree)
