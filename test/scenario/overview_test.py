"""`banyan overview`, `processes` and `top`: the tree at a glance, also while
parts of it are down."""
import signal

import pytest

from local_tree import LocalTree, pool
from tree import SETTINGS, Tree, until


@pytest.fixture(name="tree", scope="module")
def fixture_tree():
    with Tree() as tree:
        yield tree


def test_the_overview_of_a_tree_that_is_well(tree):
    tree.until_whole()
    until(lambda: tree.banyan("health", code=None)["status"] == "ok")
    overview = tree.banyan("overview")
    assert overview["status"] == "ok" and overview["next"] == ""
    assert overview["node"] == "test"
    counts = overview["processes"]
    assert counts["alive"] == counts["total"] > len(tree.children())
    assert overview["memory_bytes"] > 1 << 20
    assert overview["uptime_ms"] > 0
    assert {"total", "in_flight", "per_second"} == set(overview["calls"])
    page = tree.run_banyan("overview")
    assert page.returncode == 0 and "Health:     ✓ ok" in page.stdout
    assert f"{counts['alive']} alive / {counts['total']}" in page.stdout
    assert "next:" not in page.stdout


def test_the_overview_counts_calls(tree):
    before = tree.banyan("overview", code=None)["calls"]["total"]
    code, _ = tree.call("user_service", "get_user", {"user_id": "u42"})
    assert code == 0
    after = tree.banyan("overview", code=None)["calls"]["total"]
    assert after == before + 1


def test_the_overview_shows_what_is_down_and_what_to_type(tree):
    tree.until_whole()
    assert tree.run_banyan("stop", "relay").returncode == 0
    try:
        overview = tree.banyan("overview", code=None)
        counts = overview["processes"]
        assert counts["alive"] == counts["total"] - 1
        page = tree.run_banyan("overview")
        health = tree.run_banyan("health")
        assert page.returncode == health.returncode != 0
        assert page.stdout.splitlines()[-1] == \
            health.stdout.splitlines()[-1] == "next: banyan start relay"
        why = tree.run_banyan("why", "relay").stdout.splitlines()
        assert why[-1] == "next: banyan start relay"
        page = tree.run_banyan("processes")
        assert page.stdout.splitlines()[-1] == "next: banyan tree"
        rows = {p["name"]: p for p in tree.banyan("processes")["processes"]}
        assert not rows["relay"]["alive"] and rows["relay"]["pid"] == 0
    finally:
        tree.run_banyan("start", "relay")


def test_the_overview_tells_the_last_deaths(tree):
    tree.until_whole()
    life = tree.life("puller")
    pid = tree.kill("puller", signal.SIGKILL)
    tree.until("puller", life=life + 1, state="up")

    def told():
        return [d for d in tree.banyan("overview", code=None)["last_deaths"]
                if d["process"] == "puller" and "SIGKILL" in d["sentence"]]
    assert until(told)[0]["wall_ms"] > 0
    assert "puller" in tree.run_banyan("overview").stdout
    assert tree.pid("puller") != pid


def test_the_overview_tells_of_runners_that_died():
    with LocalTree([pool(size=2)], [], "quarantine_ms: 0") as local:
        local.until_ready_runners(2)
        client = local.client()
        assert not local.ask(client, "die")["success"]

        def told():
            return [d for d in local.banyan("overview", code=None)[
                "last_deaths"] if d["process"].startswith("default/")]
        death = until(told)[0]
        assert "exit code 3" in death["sentence"] and death["wall_ms"] > 0


def test_the_processes_are_those_of_the_tree_with_totals(tree):
    tree.until_whole()
    answer = tree.banyan("processes")
    rows = {p["pid"]: p for p in answer["processes"]}
    for child in tree.children():
        assert rows[child["pid"]]["type"] == child["role"]
        assert rows[child["pid"]]["alive"]
    assert answer["total"] == len(answer["processes"])
    assert answer["memory_bytes"] == \
        sum(p["memory_bytes"] for p in answer["processes"])
    page = tree.run_banyan("processes").stdout.splitlines()
    assert page[0].split() == ["TYPE", "NAME", "ALIVE", "STATE", "PID",
                               "MEMORY"]
    assert page[-1].startswith(f"total: {answer['total']} processes, ")


@pytest.mark.parametrize("key, field", [
    ("memory", "memory_bytes"), ("cpu", "cpu_percent"),
    ("turns", "turns_per_second"), ("queue", "queue")])
def test_top_is_sorted_by_what_was_asked_for(tree, key, field):
    tree.until_whole()
    top = tree.banyan("top", "--sort", key, "--limit", 50)
    values = [-1 if p[field] is None else p[field] for p in top["processes"]]
    assert values == sorted(values, reverse=True)
    assert len(values) == top["total"] > 5
    assert {"gateway/1", "control"} <= {p["name"] for p in top["processes"]}


def test_top_is_one_page_in_a_pipe(tree):
    tree.until_whole()
    page = tree.run_banyan("top", "--limit", 3)
    assert page.returncode == 0 and "\x1b" not in page.stdout
    lines = page.stdout.splitlines()
    assert lines[0].startswith("=== Top 3 of ") and len(lines) == 5
    assert lines[1].split() == ["NAME", "PID", "CPU", "MEMORY", "TURNS",
                                "TURNS/S", "QUEUE"]
    assert tree.run_banyan("top", "--once").returncode == 0
    assert tree.run_banyan("top", "--sort", "age").returncode == 64
    assert tree.run_banyan("top", "--limit", "0").returncode == 64
    assert tree.run_banyan("overview", "now").returncode == 64


def test_looking_does_not_take_from_the_next_statistics(tree):
    tree.until_whole()
    tree.banyan("stats")
    code, _ = tree.call("user_service", "get_user", {"user_id": "u42"})
    assert code == 0
    tree.banyan("overview", code=None)
    tree.banyan("top")
    rises = [p["since_last"] for p in tree.banyan("stats")["processes"]
             if p["role"] == "gateway"]
    assert sum(r.get("calls", 0) for r in rises) == 1


def test_each_setting_is_shown_with_where_it_comes_from(tree):
    rows = {r["key"]: r for r in tree.banyan("config", "show")}
    assert rows["node"]["source"] == "file"
    assert rows["node"]["value"] == "test"
    assert rows["gateway.port"]["source"] == "file"
    assert rows["log.level"]["source"] == "default"
    assert rows["runtime_dir"]["source"] == "command line or environment"
    page = tree.run_banyan("config", "show", "gateway")
    assert page.returncode == 0 and "gateway.port" in page.stdout
    assert "log.level" not in page.stdout
    assert tree.run_banyan("config", "show", "nothing").returncode == 1


def test_a_secret_is_not_shown():
    with Tree(SETTINGS + 'telemetry: {bus: {secret: "hush-hush-hush-hush"}}\n',
              service=False) as tree:
        page = tree.run_banyan("config", "show")
        assert page.returncode == 0 and "hush" not in page.stdout
        rows = {r["key"]: r for r in tree.banyan("config", "show")}
        secret = rows["telemetry.bus.secret"]
        assert secret["source"] == "file"
        assert secret["value"] == "[MASKED]", secret


def test_without_a_tree_it_says_that_nobody_is_there():
    with Tree(start=False) as tree:
        for noun in ("overview", "processes", "top"):
            page = tree.run_banyan(noun)
            assert page.returncode == 3 and "cannot connect" in page.stderr
