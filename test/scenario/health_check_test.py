"""The health checker: pings, five named checks, and what crosses a threshold."""
import json
import signal
import subprocess
import time
import urllib.request

import pytest

from tree import BANYAN, SETTINGS, Tree, until

FAST = SETTINGS + ("health: {interval_ms: 200, ping_timeout_ms: 300, "
                   "slow_ms: 250}\n")
NAMES = ["System Processes", "Configuration", "Resource Usage",
         "Supervision Tree", "Subscription Health"]


@pytest.fixture(name="tree")
def fast_tree():
    with Tree(FAST) as t:
        yield t


def get(tree, path, method="GET"):
    request = urllib.request.Request(
        tree.endpoints()["monitoring"] + path, method=method,
        data=b"{}" if method == "POST" else None,
        headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def component(tree, name):
    for c in get(tree, "/health/components")["components"]:
        if c["component"] == name:
            return c
    return None


def test_five_named_checks_and_an_exit_code(tree):
    said = tree.banyan("health", "check")["health_check"]
    assert [r["check"] for r in said["results"]] == NAMES
    assert said["status"] == "healthy" and said["errors"] == 0
    text = tree.run_banyan("health", "check")
    assert text.returncode == 0 and "5 checks, 0 errors" in text.stdout
    run = get(tree, "/health/run", "POST")["health_check"]
    assert [r["check"] for r in run["results"]] == NAMES


def test_a_stopped_process_is_a_degraded_tree(tree):
    tree.banyan_ok("pause", "relay")
    tree.banyan_ok("stop", "puller")
    tree.run_banyan("resume", "relay")
    said = tree.run_banyan("health", "check")
    assert said.returncode in (0, 1, 2)
    tree.banyan_ok("start", "puller")
    until(lambda: tree.run_banyan("health", "check").returncode == 0, 20,
          "all is well again")


def test_a_broken_settings_file_is_an_error(tree):
    tree.rewrite(FAST + "gateway: {ports: 1}\n")
    # what the file says is looked at once a second at most
    said = until(lambda: (s := tree.run_banyan("health", "check")).returncode
                 == 2 and s, 20, "the file is found to be broken")
    assert "a reload would be refused" in said.stdout
    assert "next: banyan health" in said.stdout


def test_each_check_is_kept_with_its_result(tree):
    tree.banyan("health", "check")
    checks = get(tree, "/health/checks")["checks"]
    names = {c["check_name"] for c in checks}
    assert set(NAMES) <= names and "ping" in names
    for check in checks:
        assert check["result"] in ("pass", "fail", "timeout")
        assert check["duration_ms"] >= 0 and "details" in check
        assert (check["error"] is None) == (check["result"] == "pass") or \
            check["error"]


def test_a_process_that_does_not_answer_is_unhealthy_and_comes_back(tree):
    """H02: stopped, so it neither beats nor answers, until it is replaced."""
    until(lambda: component(tree, "relay")["status"] == "healthy", 20, "well")
    tree.banyan_ok("pause", "relay")  # nobody replaces it meanwhile
    pid = tree.pid("relay")
    tree.signal_pid(pid, signal.SIGSTOP)
    try:
        until(lambda: component(tree, "relay")["status"] == "unhealthy", 20,
              "the ping is not answered")
    finally:
        tree.signal_pid(pid, signal.SIGCONT)
    tree.banyan_ok("resume", "relay")
    until(lambda: component(tree, "relay")["status"] == "healthy", 20,
          "it answers again")


def test_a_slow_answer_is_degraded():
    """H03: what is slow is set so low that every answer is."""
    with Tree(SETTINGS + "health: {interval_ms: 200, slow_ms: 1, "
              "ping_timeout_ms: 5000}\n") as tree:
        pid = tree.pid("relay")
        tree.banyan_ok("pause", "relay")

        def slow():
            tree.signal_pid(pid, signal.SIGSTOP)
            check = subprocess.Popen(
                [BANYAN, "health", "check", "--json"], env=tree.env,
                stdout=subprocess.DEVNULL)
            time.sleep(0.05)  # the ping waits so long at least
            tree.signal_pid(pid, signal.SIGCONT)
            check.wait(20)
            return component(tree, "relay")["status"] == "degraded"
        until(slow, 20, "a slow answer")
        tree.run_banyan("resume", "relay")


def test_resources_over_a_threshold_are_told_on_the_bus():
    """H08: with a limit of 0 % everything is too much."""
    with Tree(SETTINGS + "health: {interval_ms: 200, thresholds: {warning: 0, "
              "critical: 100}}\n") as tree:
        tail = tree.run_banyan("bus", "tail", "alerts", "--count", "1",
                               "--for", "20", "--json")
        said = json.loads(tail.stdout.splitlines()[0])
        assert "resource_warning" in json.dumps(said)
        assert tree.run_banyan("health", "check").returncode == 1
        until(lambda: " resource_usage " in tree.log(), 10, "a line")
