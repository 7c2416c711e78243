"""The profile inspector and what else operators ask about pools."""
import json
import os
import re
import signal
import subprocess
import threading

import pytest

from local_tree import LocalTree, pool
from monitor_client import get
from tree import BANYAN, ROOT, SETTINGS, Tree, until

CALM = "restarts: 1000, rest_first_ms: 1, rest_cap_ms: 5"
STATS = ["pool_name", "profile", "worker_count", "capacity_total",
         "capacity_used", "capacity_available", "utilization_percent",
         "memory_recycles", "workers"]
WORKER = ["worker_id", "pid", "profile", "capacity", "load", "memory_mb",
          "status"]
FIGURES = {"requests", "queued", "errors", "queue_timeouts",
           "pool_saturated", "workers", "available", "busy", "idle_workers",
           "busy_workers", "queued_tasks", "circuit_open",
           "total_tasks_executed", "total_tasks_failed"}


@pytest.fixture(scope="module")
def tree():
    pools = [pool("default", 2),
             pool("threads", 1, worker_profile="thread",
                  threads_per_worker=4)]
    with LocalTree(pools, supervisor=CALM) as shared:
        shared.until_ready_runners(3)
        yield shared


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0


def figures(tree, name="default"):
    return next(p for p in tree.banyan("pools")["pools"]
                if p["name"] == name)


def test_pools_count_what_was_asked_and_what_failed(tree):
    client = tree.client()
    before = figures(tree)
    assert FIGURES <= set(before)
    for _ in range(3):
        assert tree.ask(client, "echo", x=1)["success"]
    assert not tree.ask(client, "fail", x="no")["success"]
    after = figures(tree)
    assert after["requests"] - before["requests"] == 4
    assert after["total_tasks_executed"] - before["total_tasks_executed"] == 4
    assert after["errors"] - before["errors"] == 1
    assert (after["workers"], after["queued"], after["busy"]) == (2, 0, 0)
    assert after["circuit"] == "closed"
    text = tree.run_banyan("pools").stdout
    for word in ("default (process)", "threads (thread)", "Workers:",
                 "Queued:", "Requests:", "Errors:", "Queue timeouts:"):
        assert word in text


def test_the_inspector_names_every_pool_with_exactly_its_figures(tree):
    report = tree.banyan("pools", "inspect")
    assert list(report) == ["default", "threads"]
    for name, stats in report.items():
        assert list(stats) == STATS and stats["pool_name"] == name
        for worker in stats["workers"]:
            assert list(worker) == WORKER
            assert isinstance(worker["pid"], int)
            assert worker["memory_mb"] == pytest.approx(
                resident_mb(worker["pid"]), rel=0.3)
    assert report["default"]["worker_count"] == 2
    assert report["default"]["utilization_percent"] == 0.0
    pids = {w["worker_id"]: w["pid"]
            for stats in report.values() for w in stats["workers"]}
    assert pids == tree.runners()


def test_one_pool_is_told_alone_and_one_nobody_has_is_not_found(tree):
    stats = tree.banyan("pools", "inspect", "--pool", "default",
                        "--recommendations")
    assert list(stats) == STATS + ["recommendations"]
    assert stats["recommendations"] == []
    done = tree.run_banyan("pools", "inspect", "--pool", "nobody")
    assert done.returncode == 1 and "pool_not_found" in done.stderr
    done = tree.run_banyan("pools", "inspect", "--format", "json")
    assert json.loads(done.stdout)["default"]["utilization_percent"] == 0.0
    done = tree.run_banyan("pools", "inspect", "--format", "xml")
    assert done.returncode == 64 and "text or json" in done.stderr


def test_the_page_shows_configuration_statistics_profile_and_memory(tree):
    page = tree.run_banyan("pools", "inspect", "--detailed",
                           "--recommendations").stdout
    for word in ("Pool: default", "Pool: threads", "Configuration:",
                 "Statistics:", "Process Profile Details:",
                 "Thread Profile Details:", "Memory:", "Worker Details:",
                 "Worker ID", "Load/Cap", "default/1", "LOW",
                 "operating optimally"):
        assert word in page, word
    assert "\x1b" not in page
    assert "Worker Details" not in tree.run_banyan("pools", "inspect").stdout


def test_a_pool_in_full_use_is_critical_and_near_saturation(tree):
    clients = [tree.client() for _ in range(2)]
    threads = [threading.Thread(target=tree.ask, args=(c, "sleep"),
                                kwargs={"x": 4500}) for c in clients]
    for thread in threads:
        thread.start()
    until(lambda: figures(tree)["busy"] == 2, 5, "both runners are busy")
    stats = tree.banyan("pools", "inspect", "--pool", "default",
                        "--recommendations")
    done = tree.run_banyan("pools", "check")
    calm = tree.run_banyan("pools", "check", "--threshold", "100.0")
    for thread in threads:
        thread.join()
    assert stats["utilization_percent"] == 100.0
    assert {w["status"] for w in stats["workers"]} == {"busy"}
    assert stats["recommendations"][0].startswith("CRITICAL: utilization is "
                                                  "100.00 %")
    assert done.returncode == 1
    assert "default: at 100.00 %: approaching saturation" in done.stdout
    assert calm.returncode == 1  # the threshold itself counts
    assert tree.run_banyan("pools", "check").returncode == 0
    assert tree.run_banyan("pools", "check", "--threshold",
                           "lots").returncode == 64


def test_a_plan_multiplies_the_average(tree):
    plan = tree.banyan("pools", "plan", "--workers", "200")
    for one in plan["pools"]:
        assert one["planned_mb"] == pytest.approx(
            200 * one["avg_memory_per_worker_mb"], abs=0.01)
    assert tree.run_banyan("pools", "plan").returncode == 64


def test_scaling_is_diagnosed_in_seven_tests(tree):
    told = tree.banyan("diagnose", "scaling", code=None, timeout=90)
    tests = told["tests"]
    assert [t["test"] for t in tests] == list(range(7))
    assert tests[0]["figures"] == {"process_pools": 1.0, "thread_pools": 1.0,
                                   "total_workers": 3.0}
    for number in (1, 2):
        assert {"limit", "current", "available", "usage_percent",
                "max_workers"} <= set(tests[number]["figures"])
    assert tests[3]["figures"]["successes"] == 110
    assert {"avg_ms", "min_ms", "max_ms"} <= set(tests[3]["figures"])
    assert tests[4]["figures"]["successes"] == 110
    assert tests[6]["status"] == "ok", tests[6]
    assert not tree.banyan("functions", "list", "--service",
                           "banyan_diagnose")
    page = tree.run_banyan("diagnose", "scaling", "--skip-spawn").stdout
    assert all(f"TEST {n}:" in page for n in range(7))
    assert page.count("skipped") == 2 and "System Overview:" in page


def test_without_a_tree_scaling_still_tells_what_it_can(tmp_path, tree):
    done = tree.run_banyan("diagnose", "scaling", "--skip-spawn", "--json",
                           "--runtime-dir", tmp_path)
    tests = json.loads(done.stdout)["tests"]
    assert done.returncode == 1
    assert [t["status"] for t in tests][0] == "failed"
    assert tests[1]["figures"]["limit"] > 0 and len(tests) == 7


def events(tree, name, **facts):
    """Lines of an event whose fields are as named."""
    return [line for line in tree.log().splitlines() if f" {name} " in line
            and all(f"{k}={v}" in line for k, v in facts.items())]


def test_a_worker_is_recycled_by_hand_and_the_pool_keeps_its_size():
    with LocalTree([pool("default", 2)], supervisor=CALM) as tree:
        tree.until_ready_runners(2)
        pids = tree.runners()
        told = tree.banyan("pools", "recycle", "default", "1")
        assert told["workers"] == ["default/1"]
        tree.until_replaced("default/1", pids["default/1"])
        assert tree.runners()["default/2"] == pids["default/2"]
        assert events(tree, "worker_recycled", reason="manual",
                      worker_id="default/1")
        until(lambda: figures(tree)["available"] == 2, 5, "both are ready")
        pids = tree.runners()
        assert len(tree.banyan("pools", "recycle", "default")["workers"]) == 2
        for name in pids:
            tree.until_replaced(name, pids[name])
        until(lambda: figures(tree)["available"] == 2, 5, "both are ready")
        assert sorted(tree.runners()) == ["default/1", "default/2"]
        told = tree.banyan("pools", "lifecycle")
        assert told["workers_by_pool"] == {"default": 2}
        assert told["pools"][0]["recycles"] == 3


def test_recycling_names_what_is_not_there(tree):
    for words, code, error in [
            (("nobody", "1"), 1, "pool_not_found"),
            (("default", "9"), 1, "worker_not_found"),
            (("default", "threads/1"), 64, "pool_mismatch")]:
        done = tree.run_banyan("pools", "recycle", *words)
        assert (done.returncode, error in done.stderr) == (code, True), done


def test_workers_leave_after_their_calls_and_after_their_time():
    pools = [pool("default", 2, worker_max_requests=3, min_ready=1),
             pool("old", 1, worker_ttl=[1, "seconds"], min_ready=0)]
    rules = "lifecycle: {check_interval_ms: 50, jitter_percent: 0}"
    with LocalTree(pools, supervisor=CALM, rules=rules) as tree:
        tree.until_ready_runners(3)
        client = tree.client()
        until(lambda: events(tree, "worker_recycled", reason="ttl_expired",
                             pool="old"), 10, "the old one is replaced")
        said = events(tree, "worker_recycled", reason="ttl_expired")[0]
        assert int(re.search(r"uptime_seconds=(\d+)", said)[1]) >= 1
        for _ in range(5):
            tree.ask(client, "fail", x="no")  # failures do not count
        assert not events(tree, "worker_recycled", pool="default")
        for i in range(8):
            assert tree.ask(client, "echo", x=i)["result"] == i
        until(lambda: events(tree, "worker_recycled", reason="max_requests",
                             pool="default", request_count=3), 10,
              "one has served its calls")
        until(lambda: figures(tree)["workers"] == 2, 10, "full size again")


def test_a_worker_near_its_end_is_counted():
    pools = [pool("default", 1, worker_max_requests=10,
                  worker_ttl=[1, "hours"])]
    with LocalTree(pools, supervisor=CALM) as tree:
        tree.until_ready_runners(1)
        client = tree.client()
        for i in range(9):
            tree.ask(client, "echo", x=i)
        told = tree.banyan("pools", "lifecycle")
        assert told["workers_near_max_requests"] == 1
        assert (told["workers_near_ttl"], told["total_requests"]) == (0, 9)
        assert "default" in tree.run_banyan("pools", "lifecycle").stdout


def test_what_kills_is_listed_and_let_out_again():
    with LocalTree([pool("default", 1)], supervisor=CALM) as tree:
        tree.until_ready_runners(1)
        client = tree.client()
        assert "No call is in quarantine" in \
            tree.run_banyan("quarantine", "list").stdout
        until(lambda: tree.ask(client, "segfault")["code"] == "quarantined",
              10, "the call is refused")
        entry, = tree.banyan("quarantine", "list")["entries"]
        assert (entry["service"], entry["function"]) == ("local", "segfault")
        assert entry["deaths"] == 2 and entry["left_ms"] > 500000
        assert tree.ask(client, "echo", x=1)["result"] == 1
        assert tree.run_banyan("quarantine", "clear", "0" * 16).returncode == 1
        assert tree.banyan("quarantine", "clear", entry["fingerprint"]) == {
            "cleared": 1}
        assert tree.banyan("quarantine")["entries"] == []
        assert tree.ask(client, "segfault")["code"] != "quarantined"


def test_the_tree_shows_runners_below_their_pool_and_why_tells_of_each(tree):
    def below():
        def walk(node):
            if node["role"] == "worker_pool":
                return node["children"]
            return next((found for child in node["children"]
                         if (found := walk(child))), None)
        return walk(tree.banyan("tree"))
    runners = until(below, 5, "the tree has runners")
    assert {f"{r['role']}/{r['instance']}": r["pid"]
            for r in runners} == tree.runners()
    assert {r["state"] for r in runners} == {"up"}
    until(lambda: all(r["memory_bytes"] > 1000000 for r in below()), 5,
          "their memory is known")
    page = tree.run_banyan("tree").stdout
    assert "│  ├─ default/1" in page
    pid = tree.kill_runner("threads/1")
    tree.until_replaced("threads/1", pid)
    assert "SIGKILL" in tree.why("threads/1")


def test_a_pool_that_hangs_does_not_hide_the_tree():
    with LocalTree(supervisor=f"hang_timeout_ms: 60000, {CALM}") as tree:
        tree.until_ready_runners(2)
        pid = tree.pool_pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            root = tree.banyan("tree")
        finally:
            os.kill(pid, signal.SIGCONT)
        assert "worker_pool" in json.dumps(root)


def test_a_hundred_runners_are_looked_at_in_one_answer():
    """What it costs is a row of scripts/bench: inspect_100."""
    pools = ('pools: {list: [{name: many, pool_size: 100,'
             ' startup_batch_size: 50, startup_batch_delay_ms: 10}]}\n')
    with Tree(SETTINGS + pools, service=False) as tree:
        until(lambda: tree.banyan("pools")["pools"][0]["available"] == 100,
              60, "every runner is ready")
        stats = tree.banyan("pools", "inspect", "--pool", "many", "--full")
        assert len(stats["workers"]) == 100
        memory = stats["memory"]
        assert len(memory["workers"]) == 100
        assert 0 < memory["total_pss_mb"] < memory["total_memory_mb"]
        assert memory["min_memory_worker_mb"] <= \
            memory["avg_memory_per_worker_mb"] <= \
            memory["max_memory_worker_mb"]


def test_the_settings_in_the_guide_are_good(tmp_path):
    guide = (ROOT / "workers" / "worker_pool" / "README.md").read_text()
    examples = re.findall(r"```yaml\n(.*?)```", guide, re.S)
    assert examples
    for text in examples:
        file = tmp_path / "guide.yaml"
        file.write_text(text)
        done = subprocess.run([str(BANYAN), "check", str(file)], text=True,
                              capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_with_the_pools_stopped_the_other_tests_of_scaling_go_on():
    with LocalTree([pool("default", 1)], supervisor=CALM) as tree:
        tree.banyan("stop", "worker_pool")
        tree.until("worker_pool", state="down")
        done = tree.run_banyan("pools", "inspect")
        assert done.returncode == 2 and "worker_pool is down" in done.stderr
        tests = tree.banyan("diagnose", "scaling", "--skip-spawn",
                            code=1)["tests"]
        assert tests[0]["status"] == "failed"
        assert tests[3]["figures"]["successes"] == 110


def test_recommendations_are_reported_only_when_there_are_some():
    """D55: a pool far too small says so at its interval; a good one nothing."""
    few = pool(name="few", worker_profile="thread", threads_per_worker=2)
    with LocalTree([few, pool(name="fine")],
                   rules="recommendations: {report_interval_s: 1, "
                   "min_threads: 4}") as tree:
        until(lambda: tree.log().count(" pool_recommendation ") >= 2, 20,
              "two reports")
        told = [line for line in tree.log().splitlines()
                if " pool_recommendation " in line]
        assert all("pool_name=few" in line for line in told)


def test_an_order_for_a_runner_says_how_a_runner_is_replaced(tree):
    for order in ("restart", "stop", "pause"):
        refused = tree.run_banyan(order, "default/1")
        assert refused.returncode == 1
        assert "there is no child `default/1`" in refused.stderr
        assert "`banyan pools recycle POOL N`" in refused.stderr
    assert "pools recycle" not in tree.run_banyan("stop", "gatway/1").stderr


def test_a_pool_without_a_worker_is_not_running_and_not_healthy():
    gone = {"name": "gone", "adapter": "native", "plugin_dir": "HOME",
            "pool_size": 1}  # a folder without plug-ins: it stays down
    with LocalTree([pool("default", 1), gone],
                   top="monitoring: {port: 0}\n") as tree:
        until(lambda: "pool_door_closed pool=gone" in tree.log(), 10,
              "nobody will come")
        shown = tree.run_banyan("pools", "inspect", "--pool", "gone")
        assert shown.returncode == 1
        assert "Pool: gone" in shown.stdout
        assert "Pool is not running" in shown.stdout
        assert "Statistics" not in shown.stdout
        assert tree.banyan("pools", "inspect", "--pool", "gone", code=1) == \
            {"pool_name": "gone", "error": "pool_not_running"}
        assert list(tree.banyan("pools", "inspect")) == ["default"]
        checked = tree.run_banyan("pools", "check")
        assert checked.returncode == 1
        assert "✗ gone: not running: no worker is there" in checked.stdout
        assert "✓ default: healthy" in checked.stdout
        for path in ("", "/capacity", "/memory", "/recommendations",
                     "/saturation"):
            answer = get(tree, "/pools/gone" + path)
            assert answer.status == 503, (path, answer.json)
            assert answer.json["message"] == "pool_not_running"
