"""Hangs, reloads and sick services on the real tree under load."""
import os
import signal
import sys

import pytest

from loaded_tree import CHILDREN, SETTINGS, TIMES, LoadedTree, now, until

RELOADS = max(TIMES, 20)


@pytest.fixture(scope="module", name="tree")
def shared_tree():
    with LoadedTree() as tree:
        yield tree


def test_a_stopped_worker_is_replaced_and_its_calls_end(tree):
    before = tree.tally()
    with tree.load(clients=16) as load:
        for name in CHILDREN:
            pid = tree.send(name, signal.SIGSTOP)
            tree.until_other(name, pid, 10)
            assert tree.until_obituary(name, pid)["reason"] == "hang"
        tree.until_serving()
    load.holds(killed_gateways=2)
    tree.until_tally(*before)


def test_the_whole_tree_stopped_for_a_while_goes_on_as_it_was(tree):
    lives = tree.below()
    with tree.load(clients=16) as load:
        pids = [tree.daemon.pid, *(pid for pid, _ in lives.values())]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        resume = now() + 5
        until(lambda: now() > resume, 10)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        tree.until_serving()
    load.holds()
    assert tree.below() == lives, "nobody was killed"


def test_good_reloads_under_load_close_no_socket_and_lose_no_call(tree):
    before = tree.tally()
    grown = {}
    with tree.load() as load:
        for n in range(RELOADS):
            tree.rewrite(SETTINGS.replace(
                "  port: 0\n",
                f"  port: 0\n  idle_timeout_ms: {60000 + n}\n", 1))
            done = tree.run_banyan("reload")
            assert done.returncode == 0, done
            if n == RELOADS // 4:
                grown = {c: tree.rss_kb(c) for c in CHILDREN}
        for name, kb in grown.items():
            assert tree.rss_kb(name) <= kb * 1.1 + 1024, (name, kb)
    load.holds(codes=[])
    assert tree.log().count(" reload_done ") >= RELOADS
    tree.until_tally(before[0], None)


def test_a_service_that_stops_and_resumes_loses_no_call(tree):
    service = tree.services[-1]
    with tree.load(clients=16) as load:
        service.send_signal(signal.SIGSTOP)
        until(lambda: all(n["state"] != "live" for n in nodes(tree)), 10,
              "three pings went unanswered")
        service.send_signal(signal.SIGCONT)
        tree.until_serving()
    load.holds(codes=["dispatched_unknown", "not_dispatched", "unavailable",
                      "expired"])


def nodes(tree):
    said = tree.banyan("nodes", code=None) or {}
    return [n for i in said.get("instances", [])
            for n in i.get("result") or [] if not n["is_own"]]


def test_a_drain_of_the_tree_leaves_no_call_unanswered():
    with LoadedTree() as tree:
        with tree.load(more=["--no-reconnect"]) as load:
            done = tree.run_banyan("shutdown")
            assert done.returncode == 0, done
            assert tree.daemon.wait(40) == 0
        ledger = load.ledger
        assert ledger["answers"] > 0
        assert ledger["answered_twice"] == 0 and ledger["untyped"] == 0
        assert ledger["unanswered"] == 0, ledger


def test_a_restart_of_each_gateway_drains_and_loses_no_call(tree):
    with tree.load() as load:
        for name in ("gateway/1", "gateway/2"):
            pid = tree.pid(name)
            done = tree.run_banyan("restart", name)
            assert done.returncode == 0, done
            tree.until_other(name, pid)
    ledger = load.ledger
    assert ledger["unanswered"] == 0, ledger
    assert ledger["answered_twice"] == 0 and ledger["untyped"] == 0, ledger
    tree.until_whole()


SICK = """\
import os, socket, sys
path = sys.argv[1].removeprefix("ipc://")
if os.path.exists(path):
    os.unlink(path)
door = socket.socket(socket.AF_UNIX)
door.bind(path)
door.listen(16)
while True:
    peer, _ = door.accept()
    peer.sendall(b"\\0SP\\0\\0\\x31\\0\\0" if sys.argv[2] == "garbage" else b"")
    try:
        while peer.recv(65536):
            peer.sendall(os.urandom(4096))
    except OSError:
        pass
    peer.close()
"""


@pytest.mark.parametrize("manner", ["garbage", "never_greets"])
def test_a_service_of_garbage_costs_typed_errors_and_nobody_dies(
        tree, manner):
    lives = {n: life for n, (_, life) in tree.below().items()}
    with tree.load(clients=8) as load:
        tree.end(tree.services.pop())
        tree.start_service([sys.executable, "-c", SICK], None, manner)
        began = now()
        until(lambda: now() - began > 2, 5)
        tree.end(tree.services.pop())
        tree.start_service()
        tree.until_serving()
    ledger = load.holds()
    assert ledger["errors"] > 0, "its calls failed, with a code"
    assert {n: life for n, (_, life) in tree.below().items()} == lives
