"""Tracing under fire: gateways killed, the monitor stopped or killed, ten
thousand traced requests: the ledger does not notice."""
import signal

import pytest

from loaded_tree import SETTINGS, LoadedTree, until

TRACED = SETTINGS + """\
security: {admin_actions: [enable_tracing, disable_tracing]}
tracer: {enabled: true, request_types: [get_user], max_file_bytes: 100000}
"""


@pytest.fixture(scope="module", name="tree")
def traced_tree():
    with LoadedTree(TRACED) as tree:
        yield tree


def start(tree):
    tree.banyan("trace", "start", "--function", "user_service/get_user",
                "--rate", "5000", "--count", "1000000", "--for", "600000",
                "--flags", "call,return_to,return_trace,procs,ports,"
                "timestamp,cpu_timestamp")


def stop(tree):
    tree.run_banyan("trace", "stop", "all")


def test_gateways_killed_while_they_trace_lose_only_their_own(tree):
    start(tree)
    with tree.load() as running:
        for name in ("gateway/1", "gateway/2"):
            tree.kill_and_heal(name)
    running.holds(killed_gateways=2)
    # what they left in their rings is whole, or left out
    assert tree.banyan("trace", "status")["records"] > 0
    assert tree.run_banyan("trace", "tail").returncode == 0
    stop(tree)


def test_a_monitor_that_stands_still_or_dies_slows_no_call(tree):
    start(tree)
    with tree.load() as running:
        monitor = tree.pid("monitor")
        tree.signal_pid(monitor, signal.SIGSTOP)
        tree.until_other("monitor", monitor, 30)
        tree.kill_and_heal("monitor")
    running.holds()
    until(lambda: tree.banyan_ok("trace", "status"))
    assert tree.banyan("trace", "status")["trace_control_word"] != 0
    stop(tree)


def traced(tree):
    """Calls that were recorded, and those a trace had no room for."""
    status = tree.banyan("trace", "status")
    return sum(t["requests"] for t in status["traces"]), status["skipped"]


def test_ten_thousand_traced_requests_leave_the_ledger_clean(tree):
    start(tree)
    begun, skipped = traced(tree)
    with tree.load() as running:
        until(lambda: sum(traced(tree)) - begun - skipped >= 10000, 60,
              "10 000 calls were wanted by a trace")
    running.holds()
    assert traced(tree)[0] > begun
    files = list((tree.state / "traces").glob("request_type-get_user.log*"))
    assert files and all(p.stat().st_size <= 100000 for p in files)
    stop(tree)


def test_the_tracers_files_bear_whole_lines_after_all_that(tree):
    tree.run_banyan("tracer", "flush")
    for path in (tree.state / "traces").glob("request_type-get_user.log*"):
        text = path.read_text()
        lines = [x for x in text.splitlines() if x]
        assert text.endswith("\n") and lines
        assert all("event=" in line for line in lines), path
