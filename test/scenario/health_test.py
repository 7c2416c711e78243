"""`banyan health`: every field, every check by name, and what makes each of
them say no. The last line of a page that shows something wrong is what to type
next."""
import os
import re
import signal

import pytest

import tree as trees
from local_tree import LocalTree, pool
from tree import Tree, until

CALM = "restarts: 1000, rest_first_ms: 1, rest_cap_ms: 5"
POOLED = trees.SETTINGS + """\
workers: {gateway: {instances: 2}}
rate_limiter:
  global_limits: [{key: user_id, max_requests: 100000, window_ms: 1000}]
"""


@pytest.fixture(name="tree", scope="module")
def fixture_tree():
    with Tree(POOLED) as tree:
        yield tree


def checks(tree):
    return tree.banyan("health", code=None)["checks"]["banyan"]["checks"]


def test_every_field_of_the_reference_is_there(tree):
    tree.until_whole()
    health = tree.banyan("health", code=None)
    vm, node = health["checks"]["vm"], health["checks"]["node"]
    assert {"status", "process_count", "process_limit", "memory",
            "schedulers", "schedulers_online", "uptime"} <= set(vm)
    assert {"total", "processes", "processes_used", "ets"} <= \
        set(vm["memory"])
    assert all(type(n) is int for n in vm["memory"].values())
    assert len(vm["uptime"]) == 2 and vm["memory"]["ets"] > 0
    assert set(node) == {"status", "node", "alive", "connected_nodes"}
    single = health["checks"]["banyan"]["checks"]["config_db"]
    assert {"status", "registered_name", "pid", "process"} <= set(single)
    assert {"registered_name", "current_function", "status",
            "message_queue_len", "memory", "total_heap_size", "reductions",
            "node", "pid"} <= set(single["process"])


def test_a_standalone_node_is_well_and_so_is_what_was_never_configured(tree):
    tree.until_whole()
    until(lambda: tree.banyan("health", code=None)["status"] == "ok")
    page = tree.run_banyan("health")
    assert page.returncode == 0 and "next:" not in page.stdout


def test_one_check_is_asked_for_by_its_name(tree):
    tree.until_whole()
    for name in ["vm", "node", *checks(tree)]:
        one = tree.banyan("health", "--check", name, code=None)
        assert list(one["checks"]) == [name]
        assert one["status"] == one["checks"][name]["status"]
    done = tree.run_banyan("health", "--check", "gatway")
    assert done.returncode == 1 and "did you mean `gateway`?" in done.stderr


def test_a_stage_presumes_those_before_it(tree):
    one = tree.banyan("health", "--stage", 1)["checks"]["banyan"]["checks"]
    assert set(one) == {"supervision_tree", "supervision_proof"}
    two = tree.banyan("health", "--stage", 2,
                      code=None)["checks"]["banyan"]["checks"]
    assert set(two) > set(one) and "services" not in two
    assert tree.run_banyan("health", "--stage", 9).returncode == 64


def test_a_canary_that_is_killed_comes_back(tree):
    before = tree.banyan("stats")
    health = tree.banyan("health", "--check", "supervision_proof", "--prove")
    proof = health["checks"]["supervision_proof"]
    assert proof["is_proven"] and proof["proof_took_us"] > 0
    assert "supervision_proven" in tree.log()
    tree.until_whole()  # nothing of it is left

    def supervisor(stats):
        return next(p["counters"] for p in stats["processes"]
                    if p["role"] == "supervisor")
    for name in ("restarts", "deaths_signal", "children"):
        assert supervisor(before)[name] == \
            supervisor(tree.banyan("stats"))[name]


def test_a_canary_that_cannot_start_is_an_error(tmp_path):
    libexec = tmp_path / "libexec"
    libexec.mkdir()
    for program in trees.LIBEXEC.iterdir():
        (libexec / program.name).symlink_to(program)
    with Tree(trees.SETTINGS,
              env={"BANYAN_LIBEXEC_DIR": str(libexec)}) as tree:
        tree.until_whole()
        (libexec / "canary").unlink()
        health = tree.banyan("health", "--prove", code=2, timeout=60)
        proof = health["checks"]["banyan"]["checks"]["supervision_proof"]
        assert (proof["status"], proof["reason"]) == \
            ("error", "canary_did_not_come_back")
        page = tree.run_banyan("health")
        assert page.stdout.splitlines()[-1].startswith("next: banyan ")
        (libexec / "canary").symlink_to(trees.LIBEXEC / "canary")
        assert tree.banyan("health", "--check", "supervision_proof",
                           "--prove")["status"] == "ok"


def test_proofs_are_made_on_a_schedule(tree):
    tree.rewrite(POOLED + "supervisor: {prove_every_ms: 200}\n")
    try:
        assert tree.run_banyan("reload").returncode == 0
        before = tree.log().count("supervision_proven")
        until(lambda: tree.log().count("supervision_proven") >= before + 3)
    finally:
        tree.rewrite(POOLED)
        tree.run_banyan("reload")
    tree.until_whole()


def test_a_stopped_supervisor_is_told_by_those_who_live(tree):
    tree.until_whole()
    pid = tree.supervisor_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        def silent():
            try:
                check = checks(tree)["supervision_proof"]
            except (AssertionError, TypeError, ValueError):
                return False
            return check.get("reason") == "supervisor_silent"
        # the guard ends a hung supervisor, and the tree with it: whichever
        # of the two is seen first
        until(lambda: silent() or trees.stat_of(pid) is None, 20)
    finally:
        os.kill(pid, signal.SIGCONT) if trees.stat_of(pid) else None
    until(tree.is_whole, 20)


def test_one_gateway_of_two_down_is_a_partial_failure_of_the_limiter(tree):
    tree.until_whole()
    assert tree.run_banyan("stop", "gateway/2").returncode == 0
    try:
        health = tree.banyan("health", code=1)
        found = health["checks"]["banyan"]["checks"]
        limiter = found["rate_limiter_instances"]
        assert (limiter["status"], limiter["reason"]) == \
            ("degraded", "partial_failure")
        assert (limiter["instance_count"], limiter["alive_instances"],
                limiter["limits"]) == (2, 1, 1)
        tree_check = found["supervision_tree"]
        assert tree_check["running"] == tree_check["children_count"] - 1
        assert tree_check["reason"] == "partial_failure"
        last = tree.run_banyan("health").stdout.splitlines()[-1]
        assert last == "next: banyan start gateway/2"
    finally:
        tree.run_banyan("start", "gateway/2")
    tree.until_whole()
    until(lambda: tree.banyan("health", code=None)["status"] == "ok")


def test_a_service_without_a_reachable_node_is_degraded(tree):
    tree.until_whole()
    until(lambda: checks(tree)["services"]["status"] == "ok")

    def links():
        return [n for i in tree.banyan("nodes")["instances"]
                for n in i["result"] if not n["is_own"]]
    was_up_ms = max(n["since_ms"] for n in links())
    tree.end(tree.services.pop())
    until(lambda: checks(tree)["services"].get("reason") ==
          "no_reachable_node")
    page = tree.run_banyan("health")
    assert page.returncode == 1
    assert "no_reachable_node  1 of 1 services" in page.stdout
    assert {n["state"] for n in links()} == {"down"}
    assert min(n["since_ms"] for n in links()) >= was_up_ms, "since when"
    assert re.search(r"down +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d",
                     tree.run_banyan("nodes").stdout)
    services = tree.run_banyan("services").stdout
    assert "{" not in services and "name=user_service_1 url=ipc:" in services
    assert page.stdout.splitlines()[-1] in (
        "next: banyan nodes", "next: banyan services")
    tree.start_service()
    until(lambda: checks(tree)["services"]["status"] == "ok")


def test_a_pull_that_fails_is_degraded(tree):
    tree.until_whole()
    tree.end(tree.services.pop())
    tree.run_banyan("services", "pull")
    until(lambda: checks(tree)["pulls"].get("reason") == "pulls_fail", 20)
    tree.start_service()

    def is_well():
        tree.run_banyan("services", "pull")
        return checks(tree)["pulls"]["status"] == "ok"
    until(is_well, 20)


def test_an_open_circuit_is_degraded():
    breaker = pool(size=2, circuit_breaker_threshold=2,
                   circuit_breaker_cooldown_ms=60000)
    with LocalTree([breaker], [], "quarantine_ms: 0", CALM) as local:
        local.until_ready_runners(2)
        assert checks(local)["circuits"]["status"] == "ok"
        client = local.client()
        for _ in range(2):
            assert not local.ask(client, "die")["success"]
        until(lambda: checks(local)["circuits"].get("reason") ==
              "circuit_open")
        assert checks(local)["circuits"]["open"] == 1
        assert local.banyan("health", code=None)["status"] != "ok"


def test_a_pool_that_refuses_calls_is_degraded_until_it_has_room():
    with LocalTree([pool(size=1)], [], "max_queue_size: 1", CALM,
                   never={"timeout": 300000}) as local:
        local.until_ready_runners(1)
        client = local.client()
        for number in range(2):
            client.start_call({"service": "local", "request_type": "never",
                               "request_id": f"r{number}", "args": {}},
                              join_ref=client.join_ref)
        full = until(lambda: (c := checks(local)["runners"]).get("reason") ==
                     "queue_full" and c)
        assert full["status"] == "degraded"
        assert full["next"] == "banyan pools inspect --recommendations"
        page = local.run_banyan("overview")
        assert page.returncode == 1
        assert page.stdout.splitlines()[-1] == f"next: {full['next']}"
        client.socket.close()
        until(lambda: checks(local)["runners"]["status"] == "ok")


def test_pools_are_known_before_their_runners_have_been_looked_at():
    with LocalTree([pool(size=2)], [], "", CALM) as local:
        runners = checks(local)["runners"]
        assert runners["instance_count"] == 2
        assert runners.get("reason") in (None, "some_not_ready")
        until(lambda: checks(local)["runners"]["alive_instances"] == 2)
