"""Async calls and streams whose service is killed or stopped, whose gateway
drains: each ends in exactly one last word."""
import signal
import threading

import pytest

from loaded_tree import CLIENTS, SETTINGS, LoadedTree, TIMES, now, until

KINDS = {
    "async": ("report", '{"wait_ms":3}', '"count":3'),
    "stream": ("count", '{"items":3000}', None),
}
LOST = ["dispatched_unknown", "not_dispatched", "unavailable"]


@pytest.fixture(scope="module", name="tree")
def shared_tree():
    # on a machine that is busy a service may take long to greet
    with LoadedTree(SETTINGS.replace(
            "gateway:\n", "gateway:\n  meet_timeout_ms: 10000\n")) as tree:
        yield tree


def load(tree, kind, clients=16):
    function, arguments, expect = KINDS[kind]
    return tree.load(clients=clients, function=function, arguments=arguments,
                     expect=expect, more=("--kind", kind))


def has_order(ledger):
    assert ledger["disordered"] == 0 and ledger["acks"] > 0, ledger
    assert ledger["unreplied"] == 0, ledger


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_killed_again_and_again_ends_each_call_once(tree, kind):
    with load(tree, kind) as running:
        for _ in range(max(3, TIMES // 4)):
            tree.services[-1].kill()
            tree.services[-1].wait()
            tree.start_service()
            tree.until_serving()
    has_order(running.holds(codes=LOST))


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_that_stands_still_for_too_long_is_given_up(tree, kind):
    with load(tree, kind) as running:
        service = tree.services[-1]
        service.send_signal(signal.SIGSTOP)
        try:
            until(lambda: all(n["state"] != "live" for n in nodes(tree)), 10,
                  "it is given up")
        finally:
            service.send_signal(signal.SIGCONT)
        tree.until_serving()
    has_order(running.holds(codes=LOST + ["expired"]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_draining_gateway_leaves_no_call_without_its_end(tree, kind):
    with load(tree, kind) as running:
        for name in ("gateway/1", "gateway/2"):
            pid = tree.pid(name)
            restart = threading.Thread(
                target=lambda n=name: tree.run_banyan("restart", n))
            restart.start()
            tree.until_other(name, pid, 30)
            restart.join()
            tree.until_serving()
    ledger = running.ledger
    assert ledger["unanswered"] == ledger["answered_twice"] == 0, ledger
    assert ledger["untyped"] == ledger["foreign"] == 0, ledger
    assert set(ledger["codes"]) <= {"draining", "close_1012",
                                    "dispatched_unknown"}, ledger
    has_order(ledger)


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_gateway_loses_only_what_was_its_own(tree, kind):
    with load(tree, kind) as running:
        tree.kill_and_heal("gateway/1")
        tree.until_serving()
        pause = now() + 0.5
        until(lambda: now() > pause, 5)
    has_order(running.holds(killed_gateways=1))
    assert running.ledger["lost"] <= CLIENTS


def nodes(tree):
    """The nodes of services, without the tree's own."""
    said = tree.banyan("nodes", code=None) or {}
    return [n for i in said.get("instances", [])
            for n in i.get("result") or [] if not n.get("is_own")]
