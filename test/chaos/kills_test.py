"""Kills on the real tree under load: every call ends, nothing is left."""
import itertools
import os
import signal
import subprocess
import threading

import pytest

from kill_each import kill_often
from loaded_tree import (BUILD, CHILDREN, CLIENTS, FULL, IN_FLIGHT, TIMES,
                         LoadedTree, now, stat_of, until)

INNER = [name for name in CHILDREN if not name.startswith("gateway")]


@pytest.fixture(scope="module", name="tree")
def shared_tree():
    with LoadedTree() as tree:
        yield tree


@pytest.mark.parametrize("name", INNER)
def test_a_worker_killed_under_load_costs_no_call_and_no_socket(tree, name):
    before = tree.tally()
    kill_often(tree, name, TIMES).holds(codes=[])
    tree.until_tally(*before)


@pytest.mark.parametrize("name", ["gateway/1", "gateway/2"])
def test_a_gateway_killed_under_load_costs_only_its_own_clients(tree, name):
    before = tree.tally()
    ledger = kill_often(tree, name, TIMES).holds(killed_gateways=TIMES)
    assert ledger["reconnects"] <= TIMES * CLIENTS
    tree.until_tally(*before)


def test_pairs_killed_together_under_load_come_back(tree):
    before = tree.tally()
    pairs = list(itertools.combinations(CHILDREN, 2))
    gateways = sum(name.startswith("gateway") for p in pairs for name in p)
    with tree.load() as load:
        for pair in pairs:
            pids = [tree.send(name) for name in pair]
            for name, pid in zip(pair, pids):
                tree.until_other(name, pid)
        tree.until_serving()
    load.holds(killed_gateways=gateways)
    tree.until_tally(*before)


@pytest.mark.parametrize("number", [
    signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGABRT])
def test_a_crash_leaves_a_backtrace_and_no_mark_on_others(tree, number):
    with tree.load(clients=16) as load:
        others = tree.below()
        for name in CHILDREN:
            pid = tree.kill_and_heal(name, number)
            told = tree.until_obituary(name, pid)
            assert told["reason"] == "signal" and told["signal"] == number
            role = name.split("/")[0]
            assert number.name in told["last_words"]
            assert f"{role}+0x" in told["backtrace"], told
        tree.until_serving()
    load.holds(killed_gateways=2)
    assert all(tree.below()[n][1] == others[n][1] + 1 for n in CHILDREN)
    assert tree.below()["supervisor"] == others["supervisor"]


def test_a_killed_supervisor_under_load_leaves_a_whole_tree(tree):
    before = tree.tally()
    times = 10 if FULL else 3
    with tree.load() as load:
        for _ in range(times):
            lives = {n: tree.below()[n][1] for n in CHILDREN}
            tree.kill_and_heal("supervisor")
            until(lambda: all(tree.below().get(n, (0, 0))[1] > life
                              for n, life in lives.items()), 10,
                  "every child lives again")
            tree.until_whole()
        tree.until_serving()
    assert load.ledger["unanswered"] <= 2 * times * CLIENTS * IN_FLIGHT
    load.holds(killed_gateways=2 * times)
    tree.until_tally(*before)


def test_a_killed_service_costs_typed_errors_and_comes_back(tree):
    """Whatever it had taken is repeated or ends with a code, none is lost."""
    with tree.load() as load:
        for _ in range(5):
            tree.services[-1].kill()
            tree.services[-1].wait()
            tree.start_service()
            tree.until_serving()
    load.holds(codes=["dispatched_unknown", "not_dispatched", "unavailable"])
    assert tree.call("user_service", "get_user", {"user_id": "u42"})[0] == 0


def test_a_kill_during_a_reload_converges(tree):
    moments = [n for n in CHILDREN if n != "control"] * (4 if FULL else 1)
    with tree.load() as load:
        for name in moments:
            tree.daemon.send_signal(signal.SIGHUP)
            pid = tree.send(name)
            tree.until_other(name, pid, 5)
            tree.until_whole(5)
    load.holds(killed_gateways=moments.count("gateway/1") * 2)


def test_a_kill_during_a_restart_converges(tree):
    for name in CHILDREN:
        done = threading.Thread(
            target=tree.run_banyan, args=("restart", name))
        pid = tree.pid(name)
        done.start()
        tree.send(name)
        tree.until_other(name, pid)
        done.join(25)
        assert not done.is_alive(), "the operator got an answer"
        tree.until_serving()


def test_kills_during_start_converge():
    for delay_ms in range(0, 40, 4 if FULL else 10):
        with LoadedTree(start=False) as tree:
            tree.spawn()
            tree.start_service()
            at = now() + delay_ms / 1000
            until(lambda when=at: now() > when and tree.below(), 5)
            name = sorted(tree.below())[0]
            tree.send(name)
            tree.until_ready()
            tree.until_serving()


def test_a_killed_guard_leaves_a_serving_tree_that_the_next_takes_over():
    with LoadedTree() as tree:
        before = tree.below()
        port = tree.gateway_port()
        supervisor = before["supervisor"][0]
        with tree.load() as load:
            tree.daemon.kill()
            tree.daemon.wait()
            until(lambda: " guard_died " in tree.log(), 10)
            os.kill(before["puller"][0], signal.SIGKILL)
            until(lambda: "child_ready child=puller life=2 " in tree.log(),
                  10, "the supervisor goes on without its guard")
            assert stat_of(supervisor)[0] != "Z"
        load.holds(codes=[])
        tree.spawn()
        until(lambda: set(CHILDREN) <= set(tree.below()), 15)
        tree.until_serving()
        assert tree.gateway_port() == port, "the same listening socket"
        assert (stat_of(supervisor) or "Z")[0] == "Z", "no double tree"


def test_kill_each_can_be_run_by_hand():
    done = subprocess.run(
        ["/usr/bin/python3", str(BUILD.parent / "test/chaos/kill_each.py"),
         "--times", "1", "puller"], text=True, capture_output=True,
        timeout=60, check=False)
    assert done.returncode == 0, done
    assert done.stdout.endswith("1 passed, 0 failed\n")
