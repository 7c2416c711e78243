"""The records of the monitor: every page has the fields the catalogue says,
of the type it says, and they move with what the tree does."""
import json
import os
import pathlib
import signal
import time

import pytest
from local_tree import LocalTree, pool
from monitor_client import ask, get
from tree import SETTINGS, Tree, until

FAST = "history: {interval_ms: 100}\n"
number = (int, float)
Null = type(None)
maybe = (int, float, Null)

SYSTEM = {
    "system_type": str, "system_name": str, "requests_per_second": number,
    "average_latency_ms": number, "p95_latency_ms": number,
    "p99_latency_ms": number, "error_rate_percent": number,
    "active_connections": int, "total_operations_last_hour": int,
    "last_updated": float}
CLUSTER = {"cluster_id": str, "status": str, "health_score": number,
           "node_count": int, "active_connections": int,
           "last_heartbeat": float}
COUNTS = {"health_score": number, "status": str, "systems_healthy": int,
          "systems_degraded": int, "systems_critical": int}
COLLECTION = {"collection_timestamp": float, "collection_duration_ms": number}
COMPONENT = {"component": str, "node": str, "status": str, "details": dict,
             "last_check": str, "timestamp": str}
TRANSPORT = {
    "endpoint": str, "overall_health_score": number, "active_connections": int,
    "total_connections": int, "healthy_connections": int,
    "degraded_connections": int, "failed_connections": int,
    "average_response_time_ms": number, "total_operations_last_hour": int,
    "error_rate_percent": number, "last_health_check": float}
USAGE = {"cpu_usage": number, "memory_usage": number,
         "network_latency": maybe, "federation_health": str,
         "success_rate_percent": number, "active_connections": int}
RESOURCE = {"resource_type": str, "usage_percent": number,
            "total_available": number, "current_used": number, "node": str,
            "timestamp": str}
# {path: {section: shape}}; a list holds the shape of each of its items, a map
# with the key "*" that of each of its values
PAGES = {
    "/health": {"federation_health": {
        "overall_status": str, "health_score": number, "total_clusters": int,
        "healthy_clusters": int, "degraded_clusters": int,
        "critical_clusters": int, "unavailable_clusters": int,
        "connection_health": {"total_connections": int,
                              "active_connections": int,
                              "success_rate_percent": number},
        "performance": {"cross_cluster_latency_p95_ms": number,
                        "federation_mode": str},
        "last_updated": float}},
    "/health/summary": {"health_summary": {
        "overall": {"health_score": number, "status": str,
                    "federation_mode": str},
        "cluster_counts": {"total": int, "healthy": int, "degraded": int,
                           "critical": int, "unavailable": int},
        "connections": {"total": int, "active": int,
                        "success_rate_percent": number},
        "cluster_details": {"*": CLUSTER}}},
    "/health/clusters": {"clusters": {"*": CLUSTER}, "total_clusters": int},
    "/health/clusters/test": {"cluster": CLUSTER},
    "/health/components": {"components": [COMPONENT],
                           "total_components": int, "overall_status": str},
    "/health/components/relay": {"component": COMPONENT},
    "/health/components/gateway-1": {"component": COMPONENT},
    "/health/components/gateway": {"component": COMPONENT},
    "/health/nodes": {"nodes": [{
        "node": str, "status": str, "checks": {"*": str}, "load_avg": number,
        "memory_usage": number, "disk_usage": number, "timestamp": str}]},
    "/health/cluster": {"cluster_health": {
        "status": str, "healthy_nodes": int, "total_nodes": int,
        "degraded_nodes": list, "unhealthy_nodes": list,
        "quorum_status": str, "timestamp": str}},
    "/health/checks": {"checks": [{
        "check_name": str, "node": str, "result": str, "duration_ms": number,
        "details": dict, "error": (str, Null), "timestamp": str}]},
    "/health/subscriptions": {
        "subscriptions": [{
            "subscription_name": str, "current_status": str,
            "last_seen": str, "event_count": maybe, "last_event": (str, Null),
            "error_count": int, "last_error": (str, Null)}],
        "summary": {"total_subscriptions": int, "healthy": int,
                    "degraded": int, "failed": int, "registering": int,
                    "unknown": int, "store_id": str}},
    "/metrics/federation": {
        "federation_metrics": {
            "federation_system": {
                "requests_per_second": number, "average_latency_ms": number,
                "p95_latency_ms": number, "error_rate_percent": number,
                "active_connections": int},
            "correlation_metrics": {
                "total_cross_system_correlations": int,
                "federation_success_rate_percent": number,
                "cross_cluster_latency_p95_ms": number,
                "federation_message_hops": [int]},
            "overall_health": COUNTS},
        "collection_info": COLLECTION},
    "/metrics/unified": {"unified_metrics": {
        "rpc": SYSTEM, "pubsub": SYSTEM, "queue": SYSTEM, "cache": SYSTEM,
        "federation": SYSTEM, "transport_health_snapshots": {"*": TRANSPORT},
        "correlation_metrics": {
            "rpc_to_pubsub_events": int, "rpc_to_queue_events": int,
            "rpc_to_cache_events": int, "pubsub_to_queue_events": int,
            "pubsub_to_cache_events": int, "queue_to_cache_events": int,
            "federation_message_hops": [int],
            "cross_cluster_latency_p95_ms": number,
            "federation_success_rate_percent": number,
            "transport_health_scores": {"*": number},
            "circuit_breaker_events": int,
            "correlation_tracking_success_rate": number,
            "end_to_end_latency_p95_ms": number,
            "total_cross_system_correlations": int,
            "correlation_success_rate_percent": number},
        "overall_health": {**COUNTS, "systems_unavailable": int},
        "performance_summary": {
            "total_requests_per_second": number,
            "average_cross_system_latency_ms": number,
            "total_active_correlations": int},
        "collection_info": COLLECTION}},
    "/metrics/rpc": {"system": str, "metrics": SYSTEM},
    "/metrics/pubsub": {"system": str, "metrics": SYSTEM},
    "/metrics/queue": {"system": str, "metrics": SYSTEM},
    "/metrics/cache": {"system": str, "metrics": SYSTEM},
    "/metrics/transport": {"transport_health_snapshots": {"*": TRANSPORT},
                           "correlation_results": list},
    "/metrics/persistence": {"persistence_snapshots": {
        "enabled": bool, "mode": str, "data_dir": str, "sqlite_path": str,
        "registry_open": bool,
        "fabric": {
            "catalog_entries": {
                "functions": int, "topics": int, "queues": int,
                "services": int, "caches": int, "cache_profiles": int,
                "nodes": int},
            "route_keys": {"clusters": int, "active_keys": int},
            "snapshot_last_saved_at": maybe,
            "snapshot_last_restored_at": maybe,
            "snapshot_saved_counts": {"*": int},
            "snapshot_restored_counts": {"*": int},
            "snapshot_saved_route_keys": int,
            "snapshot_restored_route_keys": int}}},
    "/metrics/performance": {"performance": {
        "throughput": {"requests_per_second": number},
        "latency": {"average_ms": number, "p95_ms": number,
                    "p99_ms": number},
        "reliability": {"error_rate_percent": number,
                        "federation_efficiency_score": number},
        "topology": {"cross_cluster_hops_average": number,
                     "bottleneck_clusters": [str],
                     "top_performing_clusters": [str]},
        "trend": str}},
    "/metrics/connections": {"connections": {
        "total_connections": int, "active_connections": int,
        "connection_success_rate": number,
        "average_connection_latency_ms": number,
        "connections_by_cluster": {"*": int}}},
    "/metrics/throughput": {"throughput": [{
        "operation": str, "count": int, "duration_ms": int,
        "rate_per_sec": number, "node": str, "timestamp": str}]},
    "/metrics/latency": {
        "latency": [{
            "operation": str, "sample_count": int, "p50": number,
            "p95": number, "p99": number, "min": number, "max": number,
            "avg": number, "node": str, "timestamp": str}],
        "latency_metrics": [{
            "operation": str, "latency_ms": number, "percentile": str,
            "sample_count": int, "node": str, "timestamp": str}]},
    "/metrics/resources": {"resources": [RESOURCE]},
    "/metrics/timeseries": {
        "metric": str, "duration_hours": int, "resolution_minutes": int,
        "data_points": int, "data": [list]},
    "/telemetry/health": {"telemetry_health": {
        "overall": str,
        "stream": {"status": str, "write_error_rate": number,
                   "read_error_rate": number,
                   "avg_write_duration_ms": number},
        "subscription": {"status": str, "error_rate": number},
        "consistency": {"status": str, "success_rate": number},
        "cluster": {"status": str, "current_nodes": int}}},
    "/telemetry/metrics": {"telemetry_metrics": {
        "stream_writes": {"total": int, "errors": int,
                          "avg_duration_us": number},
        "gateway_worker": {"total": int, "errors": int,
                           "avg_duration_us": number},
        "system": {"memory_total": int, "process_count": int,
                   "uptime_ms": int, "schedulers": int}}},
    "/topology": {"topology": {
        "summary": {"total_nodes": int, "total_edges": int,
                    "graph_diameter": int, "clustering_coefficient": number},
        "nodes": [{"node_id": str, "cluster_id": str, "host": str,
                   "port": (int, Null), "health_score": number,
                   "status": str, "last_seen": maybe}],
        "edges": [{"source": str, "target": str, "status": str,
                   "latency_ms": maybe}],
        "clusters": {"*": {"cluster_id": str, "node_count": int,
                           "health_score": number, "status": str}},
        "snapshot_timestamp": float}},
    "/topology/graph": {"graph_data": {"nodes": int, "edges": int,
                                       "timestamp": float},
                        "visualization_ready": bool},
    "/topology/paths": {"routing_paths": {
        "total_paths": int, "average_path_length": number,
        "path_efficiency": number, "redundant_paths": int}},
    "/topology/analysis": {"analysis": {
        "cluster_connectivity": str, "network_health": str,
        "topology_score": number, "recommendations": [str]}},
    "/performance": {"performance_summary": {
        "total_clusters": int, "healthy_clusters": int,
        "degraded_clusters": int, "unhealthy_clusters": int,
        "clusters": {"*": USAGE}, "total_throughput_rps": number,
        "average_latency_ms": number, "p95_latency_ms": number,
        "error_rate_percent": number, "cpu_usage_percent": number,
        "memory_usage_percent": number, "network_usage_percent": number,
        "cross_cluster_messages": int, "cross_cluster_latency_ms": number,
        "health_score": number, "messages_sent": int,
        "messages_received": int, "messages_failed": int, "queue_depth": int,
        "active_alerts": int, "alerts_by_severity": dict,
        "collection_status": {"collecting": bool, "collectors": int,
                              "collection_interval": number}}},
    "/performance/bottlenecks": {"bottlenecks": {
        "cpu_bottlenecks": list, "memory_bottlenecks": list,
        "network_bottlenecks": list, "federation_bottlenecks": list}},
    "/performance/trends": {"trends": {
        "latency_trend": str, "throughput_trend": str,
        "error_rate_trend": str, "resource_utilization_trend": str}},
    "/performance/clusters/test": {"cluster_id": str, "performance": USAGE},
}


def holds(value, shape, where):
    """Asserts each field of the shape; more fields are welcome."""
    if isinstance(shape, list):
        assert isinstance(value, list), where
        for at, item in enumerate(value):
            holds(item, shape[0], f"{where}[{at}]")
    elif isinstance(shape, dict):
        assert isinstance(value, dict), where
        for key, one in shape.items():
            if key == "*":
                for name, item in value.items():
                    holds(item, one, f"{where}.{name}")
            else:
                assert key in value, f"{where}.{key} is missing"
                holds(value[key], one, f"{where}.{key}")
    else:
        assert isinstance(value, shape), f"{where} is {value!r}"
        if shape is int or shape is float:
            assert not isinstance(value, bool), where


def page(tree, path):
    answer = get(tree, path)
    assert answer.status == 200, (path, answer.text)
    assert answer.json["status"] == "ok"
    assert isinstance(answer.json["timestamp"], float)
    return answer.json


def metrics(tree, system):
    return page(tree, f"/metrics/{system}")["metrics"]


@pytest.fixture(scope="module", name="tree")
def a_tree():
    with Tree(SETTINGS + FAST) as tree:
        yield tree


def call(tree, times=1, **args):
    for _ in range(times):
        tree.call("user_service", "get_user", args or {"user_id": "u42"})


def test_every_page_has_the_documented_fields_under_load(tree):
    call(tree, 5)
    until(lambda: metrics(tree, "rpc")["total_operations_last_hour"] >= 5,
          what="the calls are seen")
    until(lambda: page(tree, "/topology")["topology"]["summary"][
        "total_nodes"] == 2, 20, "the node is seen")
    until(lambda: page(tree, "/metrics/unified")["unified_metrics"][
        "federation"], what="its links are a system")
    for path, shape in PAGES.items():
        body = page(tree, path)
        for section, fields in shape.items():
            assert section in body, f"{path}: {section} is missing"
            holds(body[section], fields, f"{path}: {section}")


def test_every_path_of_ours_is_listed(tree):
    listed = {row["path"]: row for row in page(tree, "/endpoints")[
        "endpoints"]}
    for path in PAGES:
        path = path.replace("clusters/test", "clusters/{id}")
        for name in ("relay", "gateway-1", "gateway"):
            path = path.replace(f"components/{name}", "components/{id}")
        assert listed[path]["description"], path


def test_what_is_not_there_is_404_with_an_envelope(tree):
    for path in ("/health/clusters/nowhere", "/performance/clusters/nowhere",
                 "/health/components/nobody"):
        answer = get(tree, path)
        assert answer.status == 404
        assert answer.json["status"] == "error"
        assert "no" in answer.json["message"]


def test_the_components_are_the_processes_of_the_tree(tree):
    rows = page(tree, "/health/components")["components"]
    names = {row["component"] for row in rows}
    wanted = {"guard", "supervisor"} | {
        child["role"] if child["role"] != "gateway" else "gateway/1"
        for child in tree.children()}
    assert names == wanted
    assert {row["node"] for row in rows} == {"test"}
    pids = {row["component"]: row["details"]["pid"] for row in rows}
    assert pids["relay"] == tree.pid("relay")


def component(tree, name):
    return page(tree, f"/health/components/{name}")["component"]["status"]


def test_a_stopped_process_is_unhealthy_until_it_is_back(tree):
    tree.banyan("stop", "puller")
    until(lambda: component(tree, "puller") == "unhealthy", 10)
    body = page(tree, "/health/cluster")["cluster_health"]
    assert body["status"] == "unhealthy" and body["quorum_status"] == "lost"
    assert body["unhealthy_nodes"] == ["test"]
    tree.banyan("start", "puller")
    until(lambda: component(tree, "puller") == "healthy", 10)
    until(lambda: page(tree, "/health/cluster")["cluster_health"][
        "status"] == "healthy", 10)


def test_load_moves_rate_latency_and_errors(tree):
    ask(tree, "POST", "/telemetry/reset")
    before = metrics(tree, "rpc")["total_operations_last_hour"]
    call(tree, 10)
    until(lambda: metrics(tree, "rpc")["total_operations_last_hour"] >=
          before + 10, what="the calls are counted")
    good = metrics(tree, "rpc")
    assert good["requests_per_second"] > 0
    for _ in range(30):
        tree.call("user_service", "no_such_function")
    bad = until(lambda: (m := metrics(tree, "rpc"))["error_rate_percent"] >
                good["error_rate_percent"] and m, what="errors are counted")
    assert bad["average_latency_ms"] > 0 and bad["p95_latency_ms"] > 0
    assert bad["p99_latency_ms"] >= bad["p95_latency_ms"]
    rows = {row["operation"]: row
            for row in page(tree, "/metrics/throughput")["throughput"]}
    request = rows["request"]
    assert request["count"] >= 40
    assert request["rate_per_sec"] == pytest.approx(
        request["count"] / (request["duration_ms"] / 1000), abs=0.01)


def test_percentiles_are_in_order_and_counted(tree):
    call(tree, 5)
    def row():
        rows = page(tree, "/metrics/latency")["latency"]
        one = next(r for r in rows if r["operation"] == "request")
        return one if one["sample_count"] >= 1 else None
    one = until(row, what="a call was timed")
    assert one["min"] <= one["p50"] <= one["p95"] <= one["p99"] <= one["max"]
    assert 0 < one["avg"] <= one["max"]


def test_resources_are_of_this_machine(tree):
    rows = {row["resource_type"]: row
            for row in page(tree, "/metrics/resources")["resources"]}
    assert set(rows) == {"cpu", "memory", "disk", "network"}
    kb = int(pathlib.Path("/proc/meminfo").read_text().split()[1])
    assert rows["memory"]["total_available"] == kb * 1024
    for row in rows.values():
        assert 0 <= row["usage_percent"] <= 100
        assert row["current_used"] <= row["total_available"]


def test_a_reset_lets_the_counters_of_telemetry_begin_anew(tree):
    call(tree, 3)
    def total():
        return page(tree, "/telemetry/metrics")["telemetry_metrics"][
            "gateway_worker"]["total"]
    until(lambda: total() >= 3)
    answer = ask(tree, "POST", "/telemetry/reset")
    assert answer.status == 200 and answer.json["reset_at"]
    assert total() == 0
    assert page(tree, "/telemetry/health")["telemetry_health"]["overall"] == \
        "healthy"
    assert get(tree, "/telemetry/reset").status == 405


def test_what_is_no_number_is_400(tree):
    for query in ("duration=x", "resolution=1.5", "duration=0",
                  "duration=-1", "duration=999999"):
        answer = get(tree, f"/metrics/timeseries?{query}")
        assert answer.status == 400, query
        assert answer.json["status"] == "error"


def series(tree, metric, **more):
    query = "&".join(f"{k}={v}" for k, v in {"metric": metric, **more}.items())
    return page(tree, f"/metrics/timeseries?{query}")


def test_the_history_has_points_with_their_times(tree):
    body = until(lambda: (b := series(tree, "health_score", resolution=0))[
        "data_points"] >= 3 and b)
    assert body["metric"] == "health_score"
    assert len(body["data"]) == body["data_points"]
    times = [at for at, _ in body["data"]]
    assert times == sorted(times)
    assert abs(times[-1] - body["timestamp"]) < 60
    assert all(0 <= value <= 1 for _, value in body["data"])
    # a minute is one point or two of the same
    assert series(tree, "health_score")["data_points"] < body["data_points"]
    other = series(tree, "no_such_metric")
    assert other["metric"] == "active_correlations"
    assert other["unknown_metric"] == "no_such_metric"


def test_topology_follows_the_nodes():
    with Tree(SETTINGS + FAST) as tree:
        def summary():
            return page(tree, "/topology")["topology"]["summary"]
        until(lambda: summary()["total_edges"] == 1, 20)
        assert summary()["total_nodes"] == 2
        own = page(tree, "/topology")["topology"]["nodes"][0]
        assert f":{own['port']}/" in tree.endpoints()["gateway"]
        tree.end(tree.services[0])
        until(lambda: summary()["total_edges"] == 0, 30)
        analysis = page(tree, "/topology/analysis")["analysis"]
        assert analysis["network_health"] == "degraded"
        assert any("add links" in line
                   for line in analysis["recommendations"])
        edges = page(tree, "/topology")["topology"]["edges"]
        assert all(edge["status"] != "healthy" for edge in edges)
        assert page(tree, "/performance/bottlenecks")["bottlenecks"][
            "federation_bottlenecks"]


def test_without_nodes_there_is_no_record_of_them():
    settings = SETTINGS.split("nodes:")[0]
    with Tree(settings, service=False) as tree:
        assert page(tree, "/metrics/unified")["unified_metrics"][
            "federation"] is None
        until(lambda: metrics(tree, "queue"), what="there is a pool")
        body = page(tree, "/performance/trends")["trends"]
        assert set(body.values()) == {"insufficient_data"}


def test_errors_move_the_whole_from_healthy_to_degraded_to_critical():
    with LocalTree([pool(size=2)]) as tree:
        def overall():
            return page(tree, "/metrics/unified")["unified_metrics"][
                "overall_health"]
        def status(word, seconds=10):
            return until(lambda: overall()["status"] == word, seconds,
                         f"{word}; it is {overall()}")
        with tree.client() as client:
            status("healthy")
            for _ in range(20):
                assert not tree.ask(client, "fail", x="y")["success"]
            status("degraded")
            for number in range(400):
                tree.ask(client, f"nothing{number}")
            status("critical")
            got = overall()
            assert got["systems_critical"] >= 2
            assert page(tree, "/health")["federation_health"][
                "overall_status"] == "critical"


def test_persistence_says_what_was_saved_and_restored(tree):
    def snapshot():
        return page(tree, "/metrics/persistence")["persistence_snapshots"]
    before = snapshot()
    assert before["enabled"] and before["mode"] == "file"
    assert before["data_dir"] == str(tree.state / "config_db")
    functions = before["fabric"]["catalog_entries"]["functions"]
    assert functions > 0
    restored = before["fabric"]["snapshot_last_restored_at"]
    life = tree.life("config_db")
    tree.kill("config_db", signal.SIGKILL)
    tree.until("config_db", life=life + 1, state="up")
    after = until(lambda: (s := snapshot())["fabric"][
        "snapshot_last_restored_at"] > restored and s)
    assert after["fabric"]["catalog_entries"]["functions"] == functions
    assert after["fabric"]["snapshot_restored_counts"]["functions"] == \
        functions


def test_when_it_was_saved_is_when_a_commit_was_safe(tree):
    """The file's own time says nothing: writes that fail move it too."""
    def saved():
        return page(tree, "/metrics/persistence")["persistence_snapshots"][
            "fabric"]["snapshot_last_saved_at"]
    before = saved()
    store = tree.state / "config_db" / "data.mdb"
    tomorrow = time.time() + 86400
    os.utime(store, (tomorrow, tomorrow))
    assert saved() == before < tomorrow
    tree.run_banyan("functions", "disable", "user_service", "echo")
    tree.run_banyan("functions", "enable", "user_service", "echo")
    assert until(lambda: saved() > before and saved()) < tomorrow


def test_json_is_what_metrics_tells_who_asks_for_it(tree):
    answer = get(tree, "/metrics", headers={"Accept": "application/json"})
    assert json.loads(answer.body)["federation_metrics"]


# --- on the bus ---

def messages(tree, topic, count):
    """The first messages of a topic, parsed."""
    done = tree.run_banyan("bus", "tail", topic, "--count", count, "--for",
                           15, "--json", timeout=40)
    return [json.loads(line) for line in done.stdout.splitlines() if line]


def test_health_and_metrics_are_told_on_the_bus():
    settings = SETTINGS + "telemetry: {bus: {health_interval_ms: 200, " \
        "metrics_interval_ms: 200}}\n"
    with Tree(settings, service=False) as tree:
        for topic, message, field in (
                ("health/cluster", "cluster_health_updated", "quorum_status"),
                ("health/node", "node_health_updated", "load_avg"),
                ("health/component", "component_health_updated", "component"),
                ("metrics/throughput", "throughput_metric", "rate_per_sec"),
                ("metrics/latency", "latency_metric", "percentile"),
                ("metrics/resources", "resource_usage", "usage_percent")):
            got = messages(tree, topic, 2)
            assert len(got) == 2, (topic, got)
            for one in got:
                text = json.dumps(one)
                assert message in text and field in text, one
                assert text.count('"node"') == 1, one
