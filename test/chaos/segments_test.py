"""Bits flip in shared memory: damage is noticed, the tree becomes whole."""
import json
import os
import random
import signal

import pytest

from tree import LIBEXEC, Tree, until

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


def is_another(tree, name, before):
    try:
        with segment(tree, name) as file:
            return os.fstat(file.fileno()).st_ino != before
    except AssertionError:
        return False


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

        until(lambda: is_another(tree, name, before), 10,
              f"{name} is made anew\n{tree.log()[-2000:]}")
        tree.until_whole()
        until(lambda: is_answered(tree), 10, "calls are answered")


def test_it_may_happen_again_and_again():
    with Tree() as tree:
        for _ in range(3):
            tree.until_whole()
            with segment(tree, "limits") as file:
                before = os.fstat(file.fileno()).st_ino
                flip(file, 40, 3)
            until(lambda before=before: is_another(tree, "limits", before),
                  20, f"made anew\n{tree.log()[-2000:]}")
        tree.until_whole()
        until(lambda: is_answered(tree), 10, "calls are answered")


def test_a_guard_older_than_its_programs_asks_to_be_started_again(tmp_path):
    """An upgrade under a running tree: new programs, segments of the old."""
    newer = tmp_path / "newer"
    libexec = tmp_path / "libexec"
    libexec.mkdir()
    for program in LIBEXEC.iterdir():
        if program.name != "supervisor":
            (libexec / program.name).symlink_to(program)
    (libexec / "supervisor").write_text(
        f"#!/bin/sh\n[ -e {newer} ] && exit 101\n"
        f"exec {LIBEXEC}/supervisor \"$@\"\n")
    (libexec / "supervisor").chmod(0o755)
    with Tree(env={"BANYAN_LIBEXEC_DIR": str(libexec)}) as tree:
        tree.until_whole()
        newer.touch()
        os.kill(tree.supervisor_pid(), signal.SIGKILL)
        assert tree.daemon.wait(30) == 75
        assert "start it again" in tree.log()
        newer.unlink()
        tree.spawn()
        tree.until_ready()
        tree.until_whole()
        until(lambda: is_answered(tree), 20, "calls are answered")


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
