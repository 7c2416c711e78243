"""The debugger's records: traces, analyses, snapshots, errors."""
import json
import re
import urllib.error
import urllib.request

import pytest

from tree import Tree, until


@pytest.fixture(scope="module", name="tree")
def one_tree():
    with Tree(service=False) as tree:
        until(lambda: tree.banyan_ok("diag", "list"))
        yield tree


def http(tree, path, body=None):
    """(status, answer) of the monitor's HTTP."""
    url = tree.endpoints()["monitoring"].rstrip("/") + path
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(
                url, data, {"Content-Type": "application/json"}), timeout=20
        ) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_trace_of_a_component_is_kept_under_its_id(tree):
    made = tree.banyan("diag", "trace", "gateway", "--duration", "50")[
        "record"]
    assert re.fullmatch("trace_[0-9a-f]{16}", made["id"])
    assert made["component"] == "gateway" and made["node"] == "test"
    assert made["trace_type"] == "performance_analysis"
    assert made["duration_ms"] >= 50
    assert {"function_calls", "memory_allocations", "gc_collections",
            "message_queue_length"} <= set(made["data"])
    assert made["data"]["memory_bytes"] > 0
    assert tree.banyan("diag", "show", made["id"])["record"] == made
    assert made["id"] in [r["id"] for r in tree.banyan("diag", "list")[
        "records"]]


def test_an_analysis_has_bottlenecks_recommendations_and_a_score(tree):
    made = tree.banyan("diag", "analyze", "config_db", "--duration", "50")[
        "record"]
    assert made["analysis_type"] == "bottleneck_detection"
    assert made["duration_ms"] >= 50
    results = made["results"]
    assert 0 <= results["performance_score"] <= 100
    assert len(results["bottlenecks"]) == len(results["recommendations"])
    assert made["severity"] in ("low", "medium", "high", "critical")
    assert {"bottlenecks", "recommendations", "performance_score",
            "cpu_percent", "hottest_cpu_percent", "memory_growth_percent",
            "queue_percent", "error_rate", "write_p95_us", "network_p95_us",
            "io_wait_us", "read_bytes", "written_bytes"} == set(results)
    assert results["hottest_cpu_percent"] >= results["cpu_percent"] >= 0


def test_a_snapshot_names_memory_and_the_largest_processes(tree):
    made = tree.banyan("diag", "snapshot")["record"]
    state = made["state_data"]
    assert made["snapshot_type"] == "memory_usage"
    assert 0 < state["used_memory"] <= state["total_memory"]
    assert state["process_count"] >= len(state["largest_processes"]) > 5
    sizes = [p["memory"] for p in state["largest_processes"]]
    assert sizes == sorted(sizes, reverse=True)
    names = {p["name"]: p["pid"] for p in state["largest_processes"]}
    assert names.get("gateway/1", tree.pid("gateway/1")) == \
        tree.pid("gateway/1")
    assert tree.banyan("diag", "show", made["id"])["record"] == made


def test_components_and_ids_that_are_none_are_named(tree):
    done = tree.run_banyan("diag", "trace", "gatewax")
    assert done.returncode == 1 and "gatewax" in done.stderr
    assert tree.run_banyan("diag", "trace", "gateway/99").returncode == 1
    assert tree.run_banyan("diag", "show", "trace_1").returncode == 1
    assert tree.run_banyan("diag", "analyze", "gateway", "--duration",
                           "99999999").returncode != 0


def test_identical_errors_are_one_with_frequency_and_times(tree):
    """Whoever dies twice of the same is told once by his supervisor."""
    for _ in range(2):
        before = tree.life("puller")
        tree.kill("puller")
        tree.until("puller", life=before + 1, state="up")

    def told():
        errors = tree.banyan("diag", "errors")["errors"]
        keys = [(e["process"], e["error_type"], e["error_message"])
                for e in errors]
        assert len(keys) == len(set(keys))
        return [e for e in errors if e["error_type"] == "child_died" and
                "puller" in e["error_message"]]
    found = until(told)
    assert all(e["frequency"] >= 1 for e in found)
    assert all(e["first_seen_ms"] <= e["last_seen_ms"] for e in found)


def test_the_same_records_come_over_http(tree):
    status, made = http(tree, "/diagnostics/analyze",
                        {"component": "gateway/1", "duration": 20})
    assert status == 200 and made["status"] == "ok"
    name = made["record"]["id"]
    assert http(tree, f"/diagnostics/{name}")[1]["record"] == made["record"]
    status, made = http(tree, "/diagnostics/snapshot", {})
    assert status == 200
    status, listed = http(tree, "/diagnostics")
    assert [r["id"] for r in listed["records"]][:2] == [
        made["record"]["id"], name]
    assert http(tree, "/diagnostics/errors")[0] == 200
    assert http(tree, "/diagnostics/nothing")[0] == 404
    assert http(tree, "/diagnostics/trace", {})[0] == 400
    assert http(tree, "/diagnostics/trace", {"component": "x"})[0] == 404
