"""Pools, addresses and settings as the monitor's HTTP tells them."""
import os
import pathlib
import signal

import pytest
from monitor_client import get
from tree import SETTINGS, Tree, until

POOLS = SETTINGS + """\
pools:
  list:
    - {name: few, worker_profile: process, pool_size: 2}
    - {name: many, worker_profile: thread, pool_size: 1, threads_per_worker: 8}
"""
FIGURES = {"pool_name", "profile", "worker_count", "capacity_total",
           "capacity_used", "capacity_available", "utilization_percent",
           "memory_recycles", "workers"}
WORKER = {"worker_id", "pid", "profile", "capacity", "load", "memory_mb",
          "status"}


@pytest.fixture(scope="module")
def tree():
    with Tree(POOLS, service=False) as a_tree:
        until(lambda: [p["worker_count"] for p in
                       get(a_tree, "/pools").json["pools"].values()]
              == [2, 1])
        yield a_tree


# --- pools ---

def test_all_pools_are_keyed_by_their_names(tree):
    told = get(tree, "/pools").json
    assert set(told["pools"]) == {"few", "many"}
    assert told["pools"]["few"]["capacity_total"] == 2
    assert told["pools"]["many"]["capacity_total"] == 8


def test_one_pool_has_nine_figures_and_its_workers_seven(tree):
    pool = get(tree, "/pools/few").json["pool"]
    assert set(pool) == FIGURES
    assert len(pool["workers"]) == 2
    assert all(set(w) == WORKER for w in pool["workers"])
    assert all(w["status"] == "available" and w["pid"] > 1
               for w in pool["workers"])
    shown = tree.banyan("pools", "inspect", "--pool", "few")
    for key in FIGURES - {"workers"}:
        assert shown[key] == pool[key]


def test_threads_are_told_for_thread_pools_only(tree):
    few = get(tree, "/pools/few/capacity").json
    assert few["pool_name"] == "few"
    assert few["capacity"]["thread_info"] is None
    assert few["capacity"]["total_capacity"] == 2
    threads = get(tree, "/pools/many/capacity").json["capacity"]["thread_info"]
    assert threads["threads_per_worker"] == 8
    assert threads["total_threads"] == 8


def test_memory_is_that_of_the_workers(tree):
    memory = get(tree, "/pools/few/memory").json["memory"]
    pids = [w["pid"] for w in get(tree, "/pools/few").json["pool"]["workers"]]
    each = []
    for pid in pids:
        pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
        each.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
    assert memory["total_memory_mb"] == pytest.approx(sum(each), rel=.2)
    assert memory["max_memory_worker_mb"] == pytest.approx(max(each), rel=.2)
    assert memory["min_memory_worker_mb"] == pytest.approx(min(each), rel=.2)
    assert memory["avg_memory_per_worker_mb"] == \
        pytest.approx(sum(each) / 2, rel=.2)


def test_saturation_and_advice(tree):
    told = get(tree, "/pools/few/saturation").json["saturation"]
    assert told == {"pool_name": "few", "status": "ok", "reason": "healthy",
                    "utilization_percent": 0.0, "threshold_percent": 80}
    told = get(tree, "/pools/few/saturation?threshold=0").json["saturation"]
    assert (told["status"], told["reason"]) == \
        ("warning", "approaching_saturation")
    for bad in ("x", "101", "-1", "1.5"):
        answer = get(tree, f"/pools/few/saturation?threshold={bad}")
        assert answer.status == 400
        assert "whole number of 0 to 100" in answer.json["message"]
    assert get(tree, "/pools/few/recommendations").json["recommendations"] \
        == []


@pytest.mark.parametrize("rest", ["", "/capacity", "/memory", "/saturation",
                                  "/recommendations"])
def test_an_unknown_pool_is_404(tree, rest):
    answer = get(tree, f"/pools/nonsense{rest}")
    assert answer.status == 404
    assert 'no pool is called "nonsense"' in answer.json["message"]
    assert get(tree, f"/pools/{'x' * 3000}{rest}").status == 404


def test_pools_without_worker_pool_are_503():
    with Tree(service=False) as tree:
        tree.banyan("stop", "worker_pool")
        answer = get(tree, "/pools")
        assert answer.status == 503
        assert "banyan why worker_pool" in answer.json["message"]
        tree.banyan("start", "worker_pool")
        until(lambda: get(tree, "/pools").status == 200)
        # one that stands still is not waited for longer than a deadline
        tree.kill("worker_pool", signal.SIGSTOP)
        assert get(tree, "/pools", timeout=10).status == 503
        assert get(tree, "/livez").status == 200
        until(lambda: get(tree, "/pools").status == 200, 15)


# --- addresses ---

def test_every_listener_is_there_with_its_real_port(tree):
    told = get(tree, "/transport/endpoints").json["transport_endpoints"]
    places = {p["connection_type"]: p for p in told["assignments"]}
    assert told["last_updated"] > 1.6e9
    for name, url in tree.endpoints().items():
        assert places[name]["endpoint"] == url
    assert places["gateway"]["protocol"] == "ws"
    assert places["gateway"]["host"] == "127.0.0.1"
    assert places["gateway"]["port"] == tree.gateway_port() > 0
    assert places["monitoring"]["protocol"] == "http"
    assert places["control"]["port"] is None
    listed = {p["endpoint"] for p in told["assignments"]}
    for path in tree.run.iterdir():
        if path.is_socket():
            assert f"ipc://{path}" in listed, path


# --- settings ---

def test_the_settings_in_force_are_told(tree):
    told = get(tree, "/config").json
    assert told["settings"]["gateway"]["port"] == 0
    assert told["settings"]["top"]["node"] == "test" \
        if "top" in told["settings"] else told["settings"]["node"] == "test"
    assert told["federation_mode"] == "disabled"
    assert told["version_info"]["configuration_version"] == 1
    assert told["version_info"]["pending_changes"] == 0
    assert told["validation"] == {"errors": []}
    assert told["policies"]["compliance_percent"] == 100.0


def test_policies_are_those_that_are_set(tree):
    told = get(tree, "/config/policies").json["policies"]
    active = {p["name"] for p in told["list"] if p["active"]}
    assert told["total"] == len(told["list"])
    assert told["active"] == len(active)
    assert {"node_urls", "local_monitoring"} <= active
    assert "authentication" not in active and "rate_limits" not in active


def test_a_changed_file_is_pending_and_a_broken_one_is_named():
    with Tree(service=False) as tree:
        valid = get(tree, "/config/validation").json["validation"]
        assert valid == {"is_valid": True, "errors": [], "warnings": [],
                         "configuration_version": 1}
        tree.rewrite(SETTINGS.replace(
            "  port: 0\n", "  port: 0\n  max_calls: 5000\n  backlog: 99\n", 1)
            + "rate_limiter:\n  global_limits:\n"
            "    - {key: user_id, max_requests: 5, window_ms: 1000}\n")
        until(lambda: get(tree, "/config").json["version_info"]
              ["pending_changes"] == 3)
        assert tree.run_banyan("reload").returncode in (0, 1)
        told = until(lambda: (t := get(tree, "/config").json) and
                     t["version_info"]["configuration_version"] == 2 and t)
        assert told["settings"]["gateway"]["max_calls"] == 5000
        policies = get(tree, "/config/policies").json["policies"]
        assert {"name": "rate_limits", "active": True}.items() <= next(
            p for p in policies["list"] if p["name"] == "rate_limits").items()
        tree.rewrite("gateway: {prot: 1}\nnode: [\n")
        wrong = until(lambda: (v := get(tree, "/config/validation").json
                               ["validation"]) and not v["is_valid"] and v)
        assert wrong["errors"] and str(tree.file) in wrong["errors"][0]
        assert wrong["configuration_version"] == 2
        assert get(tree, "/config").json["validation"]["errors"] == \
            wrong["errors"]
        # nobody is left behind, and the tree did not notice
        until(lambda: not [p for p in os.listdir("/proc") if p.isdigit()
                           and is_child_of(p, tree.pid("monitor"))])
        assert tree.banyan_ok("tree")


def is_child_of(pid, parent):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return int(stat.rsplit(")", 1)[1].split()[1]) == parent


def test_a_hostile_file_is_given_up_and_the_monitor_lives():
    with Tree(service=False) as tree:
        pid = tree.pid("monitor")
        tree.file.unlink()
        os.mkfifo(tree.file)  # nobody ever writes into it
        answer = get(tree, "/config/validation", timeout=20)
        assert answer.status == 200
        assert answer.json["validation"]["is_valid"] is False
        assert get(tree, "/livez").status == 200
        assert tree.pid("monitor") == pid
