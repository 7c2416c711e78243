"""`banyan log tail`: lines of all processes as they are written."""
import pytest

from telemetry_tail import Tail
from tree import Tree, until

SETTINGS = """\
node: test
gateway: {port: 0}
supervisor: {restarts: 1000, rest_first_ms: 1, rest_cap_ms: 5}
"""


@pytest.fixture(scope="module", name="tree")
def shared_tree():
    with Tree(SETTINGS, service=False) as shared:
        yield shared


def recorded(tree):
    """How many lines processes have recorded for those who read along."""
    rows = tree.banyan("telemetry", "events", "--match", "process.log.line")
    return next(e["total"] for e in rows["events"])


def until_told(tree, tail, wanted):
    """Kills pullers until a line is told that is wanted."""
    def told():
        tree.kill("puller")
        tree.until_whole()
        while (record := tail.read(0.5)) is not None:
            if wanted(record):
                return True
        return False
    until(told, 30, "the line is told")


def test_tail_prints_lines_of_every_process_as_they_are_written(tree):
    with Tail(tree, noun="log") as tail:
        until_told(tree, tail, lambda r: r["event"] == "child_died")
        until_told(tree, tail, lambda r: r["event"] == "ready" and r["process"] == "puller")
        died = next(r for r in tail.seen if r["event"] == "child_died")
        assert died["process"] == "supervisor" and died["level"] == "warn"
        assert "puller" in died["message"] and died["time"] > 1.6e9
        assert f" warn supervisor life=1 child_died {died['message']}" in tree.log()
        assert not {r["level"] for r in tail.seen} & {"debug"}


def test_tail_takes_a_level_a_pattern_and_a_component(tree):
    with Tail(tree, "--level", "warn", noun="log") as loud, \
            Tail(tree, "--match", "child_r*", noun="log") as named, \
            Tail(tree, "--component", "puller", noun="log") as one:
        until_told(tree, loud, lambda r: r["event"] == "child_died")
        until_told(tree, named, lambda r: r["event"] == "child_ready")
        until_told(tree, one, lambda r: r["event"] == "ready")
    assert {r["level"] for r in loud.seen} <= {"warn", "error"}
    assert all(r["event"].startswith("child_r") for r in named.seen)
    assert {r["process"] for r in one.seen} == {"puller"}
    said = tree.run_banyan("log", "tail", "--level", "loud")
    assert said.returncode == 64 and "debug, info" in said.stderr


def test_nobody_records_lines_within_seconds_after_a_tail_was_killed(tree):
    tail = Tail(tree, noun="log")
    until_told(tree, tail, lambda r: r["event"] == "child_ready")
    tail.process.kill()
    tail.process.communicate(timeout=20)

    def is_over():
        before = recorded(tree)
        tree.kill("puller")
        tree.until_whole()
        return recorded(tree) == before
    until(is_over, 20, "it is forgotten")
