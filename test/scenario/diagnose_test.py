"""`banyan stats`, `debug` and `cluster`: every field, also while parts of the
tree are down, and processes that tell where they are without any harm."""
import os
import signal

import pytest

import tree as trees
from local_tree import LocalTree, pool
from tree import Tree, until

TWO = trees.SETTINGS + "workers: {gateway: {instances: 2}}\n"


@pytest.fixture(name="tree", scope="module")
def fixture_tree():
    with Tree(TWO) as tree:
        yield tree


def test_statistics_have_every_section(tree):
    tree.until_whole()
    stats = tree.banyan("stats")
    vm = stats["vm"]
    assert {"process_count", "process_limit", "port_count", "ets_count",
            "schedulers", "schedulers_online", "memory", "reductions",
            "exact_reductions", "runtime", "garbage_collection",
            "context_switches", "scheduler_wall_time", "uptime"} == set(vm)
    assert vm["process_count"] == len(stats["processes"])
    assert vm["context_switches"][0] > 0
    assert vm["port_count"] > 5 * vm["process_count"], "as they are now"
    memory = vm["memory"]
    assert set(memory) == {"total", "runners", "processes", "processes_used",
                           "system", "code", "ets"}
    assert memory["processes"] + memory["system"] == memory["total"]
    assert all(memory.values()) and \
        memory["processes_used"] <= memory["processes"]
    banyan = stats["banyan"]
    assert banyan["config_db"]["status"] == "ok"
    assert {"service": "user_service",
            "functions": banyan["config_db"]["count"]} in \
        banyan["config_db"]["services"]
    for part in ("puller", "rate_limiter", "worker_pool", "relay"):
        assert banyan[part]["status"] == "ok" and "data" in banyan[part]
    assert banyan["telemetry_events"] > 30


def test_statistics_show_what_is_down_as_down(tree):
    tree.until_whole()
    assert tree.run_banyan("stop", "relay").returncode == 0
    try:
        stats = tree.banyan("stats")["banyan"]
        assert stats["relay"] == {"status": "error", "reason": "not_started"}
        assert stats["config_db"]["status"] == "ok"
        page = tree.run_banyan("stats")
        assert page.returncode == 0 and "not_started" in page.stdout
        assert page.stdout.splitlines()[-1] == "next: banyan tree"
    finally:
        tree.run_banyan("start", "relay")


def test_statistics_do_not_wait_for_a_role_that_hangs(tree):
    tree.until_whole()
    tree.run_banyan("pause", "puller")
    pid = tree.pid("puller")
    os.kill(pid, signal.SIGSTOP)
    try:
        stats = tree.banyan("stats")["banyan"]
        assert stats["puller"] == {"status": "error", "reason": "no_answer"}
    finally:
        os.kill(pid, signal.SIGCONT)
        tree.run_banyan("resume", "puller")


def test_the_second_statistics_say_what_came_between(tree):
    tree.until_whole()
    tree.banyan("stats")
    code, _ = tree.call("user_service", "get_user", {"user_id": "u42"})
    assert code == 0
    rises = [p["since_last"] for p in tree.banyan("stats")["processes"]
             if p["role"] == "gateway"]
    assert sum(r.get("calls", 0) for r in rises) == 1
    assert sum(r.get("answered", 0) for r in rises) == 1


def test_debug_lists_the_largest_processes_first(tree):
    tree.until_whole()
    debug = tree.banyan("debug")
    sizes = [p["memory"] for p in debug["processes"]]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == tree.banyan("processes")["alive"], "runners as well"
    assert "current_stacktrace" not in debug["processes"][0]
    assert len(tree.banyan("debug", "--limit", 3)["processes"]) == 3
    assert {"stats", "events", "limits", "routes", "functions",
            "groups"} == set(debug["ets_tables"])
    for table in debug["ets_tables"].values():
        assert {"exists", "size", "memory", "owner"} == set(table)
    assert debug["ets_tables"]["stats"]["exists"]
    assert {"node", "trace_control_word"} <= set(debug["trace"])
    assert tree.run_banyan("debug", "--limit", 0).returncode == 64


def test_runners_count_into_the_memory_and_are_listed_by_it():
    """Theirs is most of it in a tree with pools: who eats it must be seen."""
    with LocalTree([pool(size=2)]) as local:
        local.until_ready_runners(2)

        def told():
            memory = local.banyan("stats")["vm"]["memory"]
            return memory["runners"] > 0 and memory
        memory = until(told, 20, "the pool has looked at its runners")
        assert memory["processes"] > memory["runners"]
        assert memory["processes"] + memory["system"] == memory["total"]
        limit = memory["total"] - memory["runners"] // 2
        vm = local.banyan("health", "--max-memory", limit, code=None)[
            "checks"]["vm"]
        assert vm["reason"] == "memory_above_limit"
        assert vm["next"] == "banyan debug"
        lines = local.banyan("debug")["processes"]
        known = {"registered_name", "node", "pid", "status", "memory",
                 "current_function", "total_heap_size", "reductions",
                 "message_queue_len", "life", "restarts", "descriptors"}
        assert all(known <= set(p) for p in lines)
        sizes = [p["memory"] for p in lines]
        assert sizes == sorted(sizes, reverse=True)
        pids = {p["pid"] for p in lines if p["registered_name"] == "default"}
        assert pids == set(local.runners().values())
        assert "default/1" in local.run_banyan("debug", "--stacks").stdout


def test_debug_leaves_the_dead_out(tree):
    tree.until_whole()
    tree.run_banyan("stop", "relay")
    try:
        names = {p["registered_name"]
                 for p in tree.banyan("debug")["processes"]}
        assert "relay" not in names and "control" in names
    finally:
        tree.run_banyan("start", "relay")


def test_every_worker_tells_where_it_is_and_none_is_harmed(tree):
    tree.until_whole()
    lives = {(c["role"], c["instance"]): c["pid"] for c in tree.children()
             if c["role"] not in ("worker_pool", "supervisor")}

    def all_told():
        found = {}
        for process in tree.banyan("debug", "--stacks")["processes"]:
            found[process["registered_name"]] = process["current_stacktrace"]
        return all(found[role] and any(line.startswith(f"{role}+0x")
                                       for line in found[role])
                   for role, _ in lives)
    until(all_told)
    for _ in range(20):
        tree.banyan("debug", "--stacks")
    assert not list(tree.run.glob("*.stack")), "none is left lying about"
    tree.until_whole()
    assert lives.items() <= {(c["role"], c["instance"]): c["pid"]
                             for c in tree.children()}.items()


def test_the_stacks_are_asked_for_under_load_without_losing_a_call(tree):
    tree.until_whole()
    for _ in range(30):
        tree.banyan("debug", "--stacks")
        code, answer = tree.call("user_service", "get_user",
                                 {"user_id": "u42"})
        assert code == 0 and answer["success"]


def test_a_stopped_process_is_shown_with_what_the_kernel_knows(tree):
    tree.until_whole()
    tree.run_banyan("pause", "puller")
    pid = tree.pid("puller")
    os.kill(pid, signal.SIGSTOP)
    try:
        puller = next(p for p in tree.banyan("debug", "--stacks")["processes"]
                      if p["registered_name"] == "puller")
        assert puller["current_stacktrace"] is None
    finally:
        os.kill(pid, signal.SIGCONT)
        tree.run_banyan("resume", "puller")


def test_cluster_shows_what_each_node_really_provides(tree):
    tree.until_whole()
    url = f"ipc://{tree.run}/services/user_service.ipc"

    def reached():
        cluster = tree.banyan("cluster")
        return cluster if cluster["services"] and \
            cluster["services"][0]["reached_by"] == 2 else None
    cluster = until(reached)
    assert cluster["self"] == "test"
    assert cluster["services"] == [{"node": url, "reached_by": 2,
                                    "gateways": 2,
                                    "services": ["user_service"]}]
    assert cluster["connected"] == [url] and cluster["connected_count"] == 1
    assert {"guard", "supervisor", "gateway/1", "gateway/2"} <= \
        set(cluster["registered_processes"]["test"])
    assert cluster["node_selection"]["strategies"] == [
        "random", "hash", "round_robin", "sticky"]


def test_cluster_shows_a_node_nobody_reaches_and_gateways_that_are_down(tree):
    tree.until_whole()
    tree.end(tree.services.pop())
    until(lambda: tree.banyan("cluster")["connected_count"] == 0)
    page = tree.run_banyan("cluster")
    assert "reached by 0 of 2 gateways" in page.stdout
    assert page.stdout.splitlines()[-1] == "next: banyan nodes"
    tree.run_banyan("stop", "gateway/1")
    tree.run_banyan("stop", "gateway/2")
    try:
        cluster = tree.banyan("cluster")
        assert cluster["services"] == []
        assert "(no service nodes)" in tree.run_banyan("cluster").stdout
    finally:
        tree.run_banyan("start", "gateway/1")
        tree.run_banyan("start", "gateway/2")
        tree.start_service()
