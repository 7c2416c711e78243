"""Hooks whose runners are killed, stopped, or lost with their pool under load:
every call that waits for one ends once, and the others do not notice."""
import json
import os
import random
import signal
import threading

import pytest

from loaded_tree import FULL, SETTINGS, LoadedTree, TIMES
from tree import ROOT, descendants, until

HOOKS = ["before", "encode", "after"]
POOLS = {"stuck_ms": 500, "quarantine_ms": 0, "list": [{
    "name": "hooks", "worker_profile": "process", "pool_size": 2,
    "adapter": "python", "modules": ["hook_module"],
    "python_path": str(ROOT / "test" / "scenario"),
    "startup_batch_delay_ms": 10}]}
FUNCTION = {
    "service": "user_service", "request_type": "hooked",
    "nodes": ["user_service_1"], "mfa": ["user_service", "get_user"],
    "arg_types": {"user_id": "string"}, "hook_timeout": 2000,
    "before_execute": "before", "result_encoder": "encode",
    "after_execute": "after"}
WITH_HOOKS = SETTINGS + f"""\
pools: {json.dumps(POOLS)}
hooks: {json.dumps([{"name": n, "module": "hook_module", "function": n,
                     "pool": "hooks"} for n in HOOKS])}
functions: [{json.dumps(FUNCTION)}]
"""
# rejected (lost, expired), not admitted, not encoded
LOST = ["internal", "expired", "unavailable", "bad_result"]


class HookTree(LoadedTree):
    def until_serving(self, seconds=15):
        """Both gateways have met the service, by its name and by the URL of
        what it is pulled from, and the tree's own nodes."""
        def live():
            said = self.banyan("nodes", code=None) or {}
            found = [n for i in said.get("instances", [])
                     for n in i.get("result") or []]
            return len(found) == 8 and all(
                n["state"] == "live" for n in found)
        until(live, seconds, "nodes are live")
        self.until_whole()

    def runners(self):
        found = []
        for pid in descendants(self.pid("worker_pool")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as env:
                    if b"BANYAN_RUNNER=hooks/" in env.read():
                        found.append(pid)
            except OSError:
                pass
        return found

    def hooked_load(self):
        return self.load(clients=16, function="hooked", expect='"encoded"')

    def until_hooks_run(self):
        until(lambda: self.run_banyan(
            "call", "user_service", "hooked", '{"user_id":"u42"}',
        ).returncode == 0, 20, "hooks run again")


@pytest.fixture(scope="module", name="tree")
def shared_tree():
    with HookTree(WITH_HOOKS) as tree:
        tree.until_hooks_run()
        yield tree


class Killer(threading.Thread):
    """Ends a runner of the hooks ten times a second."""

    def __init__(self, tree):
        super().__init__()
        self.tree, self.kills = tree, 0
        self.is_done = threading.Event()

    def run(self):
        while not self.is_done.wait(0.1) and self.kills < (
                300 if FULL else 30):
            for pid in random.sample(self.tree.runners(), 1):
                try:
                    os.kill(pid, signal.SIGKILL)
                    self.kills += 1
                except ProcessLookupError:
                    pass

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.join(60)
        self.is_done.set()
        self.join()


def test_hook_runners_killed_under_load_end_each_call_once(tree):
    with tree.hooked_load() as hooked, tree.load(clients=16) as plain:
        with Killer(tree) as killer:
            pass
    assert killer.kills >= 30
    hooked.holds(codes=LOST)
    plain.holds(codes=[])
    tree.until_hooks_run()


def test_a_pool_killed_with_hooks_on_it_ends_each_call_once(tree):
    with tree.hooked_load() as hooked, tree.load(clients=16) as plain:
        for _ in range(max(3, TIMES // 4)):
            tree.kill_and_heal("worker_pool")
            tree.until_hooks_run()
    hooked.holds(codes=LOST)
    plain.holds(codes=[])


def test_hook_runners_that_stand_still_are_given_up_in_time(tree):
    with tree.hooked_load() as hooked, tree.load(clients=16) as plain:
        stopped = tree.runners()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        until(lambda: not set(stopped) & set(tree.runners()), 30,
              "others have taken their place")
        tree.until_hooks_run()
    hooked.holds(codes=LOST)
    plain.holds(codes=[])


def test_a_gateway_killed_with_hooks_on_their_way_loses_only_its_own(tree):
    with tree.hooked_load() as hooked:
        for _ in range(3):
            tree.kill_and_heal("gateway/1")
            tree.until_serving()
            tree.until_hooks_run()
    hooked.holds(killed_gateways=3, codes=LOST)
