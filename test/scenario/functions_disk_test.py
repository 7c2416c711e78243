"""The function table on disks that are full, hang, or belong to others."""
import json
import os
import pathlib
import subprocess

import pytest

from functions_test import ALONE, function, listed
from tree import LIBEXEC, STAGE, Tree, until

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0,
                                reason="mounts a tmpfs, changes users")


@pytest.fixture
def small_disk():
    """A tree whose state_dir is a disk of 2 MiB."""
    tree = Tree(ALONE, service=False, start=False)
    tree.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700",
                    "tmpfs", str(tree.state)], check=True)
    try:
        with tree:
            tree.start()
            yield tree
    finally:
        subprocess.run(["umount", "-l", str(tree.state)], check=False)
        if tree.home.exists():
            subprocess.run(["rm", "-rf", str(tree.home)], check=False)


def fill(folder):
    """Takes every byte the disk has left; gives the file to delete."""
    ballast = folder / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    return ballast


def is_degraded(tree):
    """Of the disk alone: the node of the test's functions is not there, and
    health says so, too, as soon as a gateway has looked."""
    health = tree.banyan("health", "--check", "stores", code=None)
    return health["status"] != "ok"


@NEEDS_ROOT
def test_a_full_disk_keeps_the_last_good_state_and_heals(small_disk):
    tree = small_disk
    life = tree.life("config_db")
    tree.banyan("functions", "add", function("before"))
    ballast = fill(tree.state)
    big = {f"a{i}": "string" for i in range(100)}
    refusals = 0
    for number in range(200):
        done = tree.run_banyan("functions", "add",
                               function(f"f{number}", arg_types=big))
        if done.returncode != 0:
            assert "the disk refuses writes" in done.stderr
            refusals += 1
            break
    assert refusals == 1
    assert ("before", None) in listed(tree)
    until(lambda: is_degraded(tree), what="health says degraded")
    ballast.unlink()
    until(lambda: not is_degraded(tree), 20, "health is well again")
    tree.banyan("functions", "add", function("after"))
    assert {("before", None), ("after", None)} <= set(listed(tree))
    assert tree.life("config_db") == life


@NEEDS_ROOT
def test_config_db_starts_again_on_a_full_disk(small_disk):
    tree = small_disk
    tree.banyan("functions", "add", function("before"))
    fill(tree.state)
    life = tree.life("config_db")
    tree.kill("config_db")
    tree.until("config_db", 20, state="up", life=life + 1)
    assert ("before", None) in listed(tree)


def with_slow_sync(folder, library, hang, role="config_db"):
    """A libexec folder where a role has a disk that hangs at will; the
    supervisor lets no LD_PRELOAD of ours through."""
    folder.mkdir()
    for program in LIBEXEC.iterdir():
        if program.name != role:
            (folder / program.name).symlink_to(program)
    script = folder / role
    script.write_text(f"#!/bin/sh\nexport LD_PRELOAD={library} "
                      f"SLOW_SYNC_FILE={hang}\n"
                      f"exec {LIBEXEC / role}\n")
    script.chmod(0o755)
    return folder


def test_a_disk_that_hangs_for_long_kills_nothing():
    library = pathlib.Path(STAGE) / "libexec/banyan-test/libslow_sync.so"
    if not library.exists():
        pytest.skip("libslow_sync.so is not installed")
    with Tree(ALONE, service=False, start=False) as tree:
        hang = tree.home / "hang"
        tree.env["BANYAN_LIBEXEC_DIR"] = str(with_slow_sync(
            tree.home / "libexec", library, hang))
        tree.start()
        pid = tree.pid("config_db")
        assert str(library) in pathlib.Path(f"/proc/{pid}/maps").read_text()
        hang.touch()
        writing = subprocess.Popen(
            [str(STAGE / "bin" / "banyan"), "functions", "add",
             function("late")], env=tree.env, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        # longer than any hang time-out (1.5 s + 0.5 s), told by the
        # supervisor's own clock
        up = tree.child("config_db")["up_ms"]
        until(lambda: tree.child("config_db")["up_ms"] > up + 4000, 20)
        assert writing.poll() is None
        assert listed(tree) == {}, "reading goes on meanwhile"
        assert tree.pid("config_db") == pid
        hang.unlink()
        assert writing.wait(10) == 0
        assert listed(tree) == {("late", None): False}
        assert tree.pid("config_db") == pid


@NEEDS_ROOT
def test_another_users_state_dir_ends_the_start_with_71_and_one_reason():
    tree = Tree(ALONE, service=False, start=False,
                wrapper=["setpriv", "--reuid=65534", "--regid=65534",
                         "--clear-groups"])
    try:
        os.chmod(tree.home, 0o755)
        tree.run.mkdir(mode=0o700)
        os.chown(tree.run, 65534, 65534)
        (tree.run / "services").mkdir(mode=0o700)
        tree.state.mkdir(mode=0o700)  # root's
        tree.spawn()
        assert tree.daemon.wait(20) == 71
        assert str(tree.state) in tree.log()
    finally:
        tree.close(check=False)


def test_persist_waits_for_the_disk_and_says_how_long():
    with Tree(ALONE, service=False) as tree:
        first = tree.banyan("config_db", "persist")
        assert first["status"] == "persisted"
        assert first["duration_ms"] > 0
        tree.banyan("functions", "add", function("one"))
        then = tree.banyan("config_db", "persist")
        assert then["generation"] > first["generation"]


def test_a_disk_that_refuses_a_persist_is_an_error_and_an_alert():
    library = pathlib.Path(STAGE) / "libexec/banyan-test/libslow_sync.so"
    if not library.exists():
        pytest.skip("libslow_sync.so is not installed")
    with Tree(ALONE, service=False, start=False) as tree:
        hang = tree.home / "hang"
        tree.env["BANYAN_LIBEXEC_DIR"] = str(with_slow_sync(
            tree.home / "libexec", library, hang))
        tree.start()
        refusal = tree.home / "hang.refuses"
        refusal.touch()
        told = tree.home / "told"
        with open(told, "wb") as file:
            listener = subprocess.Popen(
                [str(STAGE / "bin" / "banyan"), "bus", "tail", "alerts/",
                 "--for", "60", "--json"], env=tree.env, stdout=file)
        try:
            def is_told():
                done = tree.run_banyan("config_db", "persist")
                assert done.returncode != 0
                assert "the disk refuses writes" in done.stderr
                said = told.read_text()
                return "persistence_failure" in said and "critical" in said
            until(is_told, 30, "the alert is on the bus")
            assert is_degraded(tree)
        finally:
            listener.kill()
            listener.wait()
        refusal.unlink()
        until(lambda: not is_degraded(tree), 20, "health is well again")
        assert tree.banyan("config_db", "persist")["status"] == "persisted"
