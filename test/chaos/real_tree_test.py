"""The shipped tree, with its real workers, against kills and stops."""
import json
import os
import signal
import sys
import pathlib
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "scenario"))
from tree import ROLES, Tree, until  # noqa: E402

FULL = bool(os.environ.get("BANYAN_TEST_FULL"))
SETTINGS = """\
node: chaos
gateway: {port: 0}
workers: {gateway: {instances: 2}}
supervisor: {restarts: 1000, rest_first_ms: 1, rest_cap_ms: 5,
  starts_per_second: 0, starts_per_minute: 0}
"""
CHILDREN = [*ROLES[:-1], "gateway/1", "gateway/2"]


@pytest.fixture(scope="module")
def tree():
    with Tree(SETTINGS, service=False) as shared:
        shared.until_whole()
        yield shared


def life_of(tree, name):
    return until(lambda: tree.child(name), 5, name)["life"]


@pytest.mark.parametrize("name", CHILDREN)
def test_each_real_worker_comes_back_from_sigkill(tree, name):
    supervisor = tree.supervisor_pid()
    before = tree.descriptors(supervisor)
    for _ in range(200 if FULL else 10):
        life = life_of(tree, name)
        tree.kill(name)
        tree.until(name, life=life + 1, state="up")
    tree.until_whole()
    assert tree.descriptors(supervisor) == before


@pytest.mark.parametrize("name", CHILDREN)
def test_each_real_worker_that_is_stopped_is_replaced(tree, name):
    took = []
    while not took or took[-1] > 2.5:
        life, began = life_of(tree, name), time.monotonic()
        tree.kill(name, signal.SIGSTOP)
        tree.until(name, life=life + 1, state="up", seconds=10)
        took.append(time.monotonic() - began)
        tree.until_whole()
        # a busy machine may delay one, not all
        assert len(took) < 4, took


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGBUS,
                                    signal.SIGFPE, signal.SIGABRT])
def test_a_fatal_signal_leaves_a_backtrace(tree, number):
    folder = tree.state / "supervisor" / "rate_limiter"
    kept = {p.name for p in folder.glob("*.json")}
    life = life_of(tree, "rate_limiter")
    tree.kill("rate_limiter", number)
    tree.until("rate_limiter", life=life + 1, state="up")
    fresh = [json.loads(p.read_text()) for p in folder.glob("*.json")
             if p.name not in kept]
    assert [o["signal"] for o in fresh] == [number]
    assert fresh[0]["backtrace"], fresh[0]
    assert fresh[0]["events"], "its last events"


def test_a_killed_supervisor_brings_all_real_workers_back(tree):
    for _ in range(20 if FULL else 5):
        old = tree.supervisor_pid()
        os.kill(old, signal.SIGKILL)
        until(lambda: [p for p in [safe_supervisor(tree)] if p and p != old],
              5, "another supervisor")
        tree.until_whole()


def safe_supervisor(tree):
    try:
        return tree.supervisor_pid()
    except AssertionError:
        return None
