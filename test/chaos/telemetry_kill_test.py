"""Telemetry under fire: a listener that stands still or is killed, a monitor
that stands still or is killed, everything attached, calls storming. The ledger
judges the calls, and what became of each event is accounted for exactly."""
import re
import signal

import pytest

from loaded_tree import LoadedTree, until
from telemetry_tail import Tail, attached

STOP = "executor.request.stop"


@pytest.fixture(scope="module", name="tree")
def watched_tree():
    with LoadedTree() as tree:
        yield tree


@pytest.fixture(name="attached_to")
def attachment(tree):
    """Attaches an operator's events; detached in the end."""
    tree.run_banyan("telemetry", "detach", "storm")

    def attach(pattern):
        tree.banyan("telemetry", "attach", "storm", "--match", pattern)
    yield attach
    tree.run_banyan("telemetry", "detach", "storm")


def events(tree):
    return tree.banyan("telemetry", "events")["events"]


def total(tree, name=STOP):
    return next(e for e in events(tree) if e["event"] == name)["total"]


def lives(tree):
    """How many records of life and death there are: they are always told."""
    return sum(e["total"] for e in events(tree) if e["always"])


def settled(tree):
    """The status once the rings are empty, and the records of life then."""
    def still():
        before, count = tree.banyan("telemetry", "status"), lives(tree)
        after = tree.banyan("telemetry", "status")
        figures = ("told", "missed", "skipped", "published", "withheld")
        same = all(before[f] == after[f] for f in figures)
        return (after, count) if same and count == lives(tree) else None
    return until(still, 30, "all that was recorded is told")


def test_every_event_of_a_storm_is_told_missed_or_skipped(tree, attached_to):
    attached_to(STOP)
    before, lives_before = settled(tree)
    calls = total(tree)
    with Tail(tree, f"telemetry/{STOP}", noun="bus") as tail:
        with tree.load() as running:
            until(lambda: total(tree) - calls > 20000, 60, "a storm")
        ledger = running.holds()
        after, lives_after = settled(tree)
    assert total(tree) - calls == ledger["calls"]
    told = after["published"] - before["published"] - (lives_after - lives_before)
    assert told + after["missed"] - before["missed"] + \
        after["skipped"] - before["skipped"] == ledger["calls"]
    assert 0 < told < ledger["calls"]
    assert 0 < len([r for r in tail.seen if r["topic"] == f"telemetry/{STOP}"]) <= told


def test_a_listener_that_stands_still_costs_only_itself(tree, attached_to):
    attached_to("*")
    with Tail(tree, "all", noun="bus") as deaf, \
            Tail(tree, f"telemetry/{STOP}", noun="bus") as reader:
        start = tree.banyan("bus", "status")["published"]
        deaf.process.send_signal(signal.SIGSTOP)
        with tree.load() as running:
            # more than its queue and its socket hold
            until(lambda: tree.banyan("bus", "status")["published"]
                  > start + 8000, 120, "a storm of messages")
        running.holds()
        reader.read_until(lambda r: r["topic"] == f"telemetry/{STOP}")
        tree.banyan("telemetry", "detach", "storm")
        settled(tree)
        assert deaf.process.poll() is None
        deaf.process.send_signal(signal.SIGCONT)
        last = tree.banyan("bus", "status")["published"]
        # a life is published whoever is attached: it closes the gap
        tree.kill_and_heal("puller")
        deaf.read_until(lambda r: r["record"]["sequence"] > last, 60)
        said = deaf.end()
    got = [r["record"]["sequence"] for r in deaf.seen]
    assert got == sorted(set(got))
    missing = got[-1] - got[0] + 1 - len(got)
    assert missing > 0
    found = re.search(r"(\d+) messages were published and did not come", said)
    assert found and int(found[1]) == missing


def test_a_killed_tail_loses_its_lease_and_no_call_notices(tree):
    calls = total(tree)
    with tree.load() as running:
        tail = Tail(tree, "--event", "executor.request.*")
        name = f"tail-{tail.process.pid}"
        tail.event(STOP)
        tail.end(signal.SIGKILL)
        until(lambda: not attached(tree, name), 30, "its lease is over")
        stopped = Tail(tree, "--event", "executor.request.*")
        name = f"tail-{stopped.process.pid}"
        stopped.process.send_signal(signal.SIGSTOP)
        until(lambda: not attached(tree, name), 30, "it is not renewed")
        stopped.process.send_signal(signal.SIGCONT)
        until(lambda: attached(tree, name), 30, "it is back, and so is its lease")
        stopped.event(STOP)
        stopped.end()
    ledger = running.holds()
    assert total(tree) - calls == ledger["calls"]
    row = next(e for e in events(tree) if e["event"] == STOP)
    assert row["attached"] is False


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_monitor_that_stands_still_or_dies_loses_no_count(tree, attached_to, number):
    calls = total(tree)
    attached_to("*")
    lease = Tail(tree, "--event", "executor.request.*")
    name = f"tail-{lease.process.pid}"
    with tree.load() as running:
        lease.event(STOP)
        lease.end(signal.SIGKILL)  # its lease must end in the next life
        monitor = tree.pid("monitor")
        if number == signal.SIGKILL:
            tree.kill_and_heal("monitor")
        else:
            tree.signal_pid(monitor, number)
            tree.until_other("monitor", monitor, 30)
        until(lambda: tree.banyan_ok("telemetry", "status"), 20, "it answers again")
        assert attached(tree, "storm")
        until(lambda: not attached(tree, name), 30, "its lease is over")
        with Tail(tree, f"telemetry/{STOP}", noun="bus") as after:
            after.read_until(lambda r: r["topic"] == f"telemetry/{STOP}")
    ledger = running.holds()
    settled(tree)
    assert total(tree) - calls == ledger["calls"]
