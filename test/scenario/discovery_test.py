"""discovery and report: which services there are, how fresh that is, who was
refused; and the verbs of `banyan monitor` over the same HTTP."""
import json
import signal
import subprocess

import pytest

from tree import BANYAN, SETTINGS, Tree, running, until

EXPORTING = SETTINGS + """\
puller: {{}}
discovery: {summary_export: true, summary_interval_s: 1}
security: {allowed_targets: ["Demo.*", "user_service.*"]}
"""


@pytest.fixture(scope="module", name="tree")
def exporting_tree():
    with Tree(EXPORTING.replace("puller: {{}}\n", "workers: {puller: "
                                "{interval_ms: 1000}}\n").replace(
            'security: {allowed_targets: ["Demo.*", "user_service.*"]}\n',
            "")) as t:
        yield t


def page(tree, *arguments, code=0):
    return tree.banyan(*arguments, code=code)


def until_known(tree):
    return until(lambda: (lag := page(tree, "discovery", "lag")["lag"])[
        "last_delta_at"] and lag, 20, "a service was heard of")


def test_lag_grows_while_a_service_is_away_and_ends_with_a_pull(tree):
    until_known(tree)
    service = tree.services[-1]
    service.send_signal(signal.SIGSTOP)
    try:
        grown = until(lambda: (lag := page(tree, "discovery", "lag")["lag"])[
            "delta_lag_seconds"] > 2.5 and lag, 30, "lag grows")
    finally:
        service.send_signal(signal.SIGCONT)
    until(lambda: page(tree, "discovery", "lag")["lag"]["delta_lag_seconds"] <
          grown["delta_lag_seconds"], 30, "a pull ends it")
    assert grown["resolver_enabled"] is True


def test_summaries_are_off_by_default_and_say_so():
    with Tree() as tree:
        said = page(tree, "discovery", "summary")
        assert said["summary_export"] == {"enabled": False}
        assert tree.banyan("discovery", "lag")["lag"][
            "summary_export_lag_seconds"] is None


def test_summaries_count_what_they_export(tree):
    until_known(tree)
    until(lambda: page(tree, "discovery", "summary")["summary_export"][
        "per_namespace"][0]["last_export_count"] > 0, 20, "an export")
    export = page(tree, "discovery", "summary")["summary_export"]
    assert export["interval_seconds"] == 1 and export["enabled"] is True
    assert export["configured_namespaces"] == ["user_service"]
    assert export["summaries_exported"] == export["exports_total"] > 0


def test_status_is_the_four_pages_in_one(tree):
    until_known(tree)
    until(lambda: page(tree, "discovery", "cache")["resolver_cache"][
        "entry_counts"]["nodes"] == 1 and page(tree, "discovery", "cache")[
        "resolver_cache"]["entry_counts"]["queues"] == 1, 20, "all gathered")
    said = page(tree, "discovery", "status")
    assert set(said) == {"summary", "cache", "policy", "lag"}
    cache = said["cache"]["resolver_cache"]
    assert cache["enabled"] and "user_service" in cache["namespaces"]
    assert cache["entry_counts"]["services"] == 1
    saved = page(tree, "monitor", "persistence")["persistence_snapshots"]
    for kind in ("caches", "cache_profiles", "nodes", "queues"):
        assert cache["entry_counts"][kind] == saved["fabric"][
            "catalog_entries"][kind], kind
    assert {"deltas_applied", "deltas_skipped", "deltas_invalid",
            "last_delta_id", "last_delta_cluster", "last_delta_at",
            "last_delta_counts", "last_seed_at", "last_seed_counts",
            "last_prune_at", "last_prune_counts"} <= set(cache["stats"])
    assert {f"{cached}_{fact}" for cached in ("catalog", "cluster_map")
            for fact in ("entries", "hits", "misses", "stale_serves",
                         "negative_hits", "refreshes")} == set(
        cache["query_cache"])
    assert {"messages_applied", "messages_skipped", "messages_invalid",
            "summaries_applied", "summaries_expired", "last_message_at",
            "last_source_cluster", "last_source_node", "last_prune_at"} == set(
        said["cache"]["summary_cache"]["stats"])
    policy = said["policy"]["policy"]
    assert policy["default_allow"] is True and policy["rule_count"] == 0


def test_the_catalogue_is_filtered_and_paged(tree):
    until(lambda: page(tree, "discovery", "query")["total"] > 1, 20, "functions")
    everything = page(tree, "discovery", "query")
    first = page(tree, "discovery", "query", "--limit", "1")
    assert len(first["items"]) == 1 and first["next_page_token"] == 1
    second = page(tree, "discovery", "query", "--limit", "1",
                  "--page-token", "1")
    assert second["items"][0] == everything["items"][1]
    name = everything["items"][0]["request_type"]
    assert page(tree, "discovery", "query", "--function-name", name)[
        "total"] == 1
    assert page(tree, "discovery", "query", "--namespace", "nobody")[
        "total"] == 0
    page(tree, "discovery", "query", "--entry-type", "gods", code=1)
    assert page(tree, "discovery", "query", "--function-name",
                f"{name} &limit=x")["total"] == 0


def query(tree, *words, code=0):
    return page(tree, "discovery", "query", *words, code=code)


def test_functions_are_asked_for_by_what_they_have(tree):
    until(lambda: query(tree)["total"] > 1, 20, "functions")
    one = query(tree)["items"][0]
    whole = f"{one['service']}/{one['request_type']}"
    everything = query(tree)["total"]
    assert query(tree, "--function-id", whole)["items"] == [one]
    assert query(tree, "--function-id", whole + "x")["total"] == 0
    assert query(tree, "--node-id", one["nodes"][0])["total"] > 0
    assert query(tree, "--node-id", "nobody")["total"] == 0
    tagged = query(tree, "--tag", one["source"], "--tag",
                   one["response_type"])["items"]
    assert one in tagged and all(
        f["source"] == one["source"] and
        f["response_type"] == one["response_type"] for f in tagged)
    assert query(tree, "--capability", one["response_type"])["total"] > 0
    assert query(tree, "--resource", "gpu")["total"] == 0
    assert query(tree, "--scope", "global", "--cluster-id", "test",
                 "--viewer-cluster-id", "other", "--viewer-tenant-id",
                 "t")["total"] == everything
    assert query(tree, "--cluster-id", "other")["total"] == 0
    assert query(tree, "--queue-name", "default")["total"] == 0
    assert "scope is one of" in query(tree, "--scope", "moon",
                                      code=1)["message"]


def test_functions_are_asked_for_by_their_version(tree):
    until(lambda: query(tree)["total"] > 1, 20, "functions")
    for version in ("1.4.0", "2.0.0"):
        tree.banyan("functions", "add", json.dumps({
            "service": "aged", "request_type": "age", "version": version,
            "nodes": ["user_service_1"], "response_type": "sync",
            "mfa": {"module": "Demo.Age", "function": "age", "args": []}}))
    for constraint, versions in ((">=1, <2", ["1.4.0"]), ("^1.2", ["1.4.0"]),
                                 ("2.0.0", ["2.0.0"]), ("~3", []),
                                 ("*", ["1.4.0", "2.0.0"])):
        found = query(tree, "--namespace", "aged", "--version-constraint",
                      constraint)["items"]
        assert sorted(f["version"] for f in found) == versions, constraint
    said = query(tree, "--version-constraint", ">beta", code=1)
    assert "version_constraint is like" in said["message"]
    assert "aged" in page(tree, "discovery", "cache")["resolver_cache"][
        "namespaces"]


def test_a_query_finds_as_many_as_the_cache_counts(tree):
    """Caches, limits, nodes and pools, the implied one too."""
    def counted():
        return page(tree, "discovery", "cache")["resolver_cache"][
            "entry_counts"]

    until(lambda: counted()["nodes"] == 1 and counted()["queues"] == 1 and
          counted()["caches"] == 1, 30, "all gathered")
    counts = counted()
    for kind in ("nodes", "queues", "topics", "caches", "cache_profiles"):
        found = query(tree, "--entry-type", kind)
        assert found["total"] == counts[kind] == len(found["items"]), kind
    node = query(tree, "--entry-type", "nodes", "--node-id",
                 "user_service_1")["items"][0]
    assert node["name"] == "user_service_1"
    assert node["services"] == ["user_service"]
    assert query(tree, "--entry-type", "queues", "--queue-name", "default")[
        "items"][0]["name"] == "default"
    assert query(tree, "--entry-type", "topics", "--topic", "nothing:x")[
        "total"] == 0


def test_the_cluster_is_this_tree_and_it_has_no_peers(tree):
    """C11 and part E 21: what one tree knows, and a sentence for the rest."""
    said = page(tree, "discovery", "cluster-map")
    one = said["cluster_map"]["nodes"][0]
    assert said["cluster_map"]["total"] == len(said["cluster_map"]["nodes"]) == 1
    assert one["cluster_id"] == "test"
    assert one["url"] == tree.endpoints()["gateway"]
    load = one["load"]
    assert load["peer_count"] == 0 and load["load_score"] == load[
        "active_clients"] + (0 if load["status"] == "ok" else 1000)
    assert page(tree, "discovery", "cluster-map", "--cluster-id", "other")[
        "cluster_map"]["nodes"] == []
    assert page(tree, "client", "cluster-map", "--scope", "region")[
        "cluster_map"]["total"] == 1
    page(tree, "discovery", "cluster-map", "--scope", "moon", code=1)
    for words in (["peers"], ["discovery", "peers"], ["client", "list-peers"],
                  ["client", "list-peers", "--target-cluster", "x"]):
        said = page(tree, *words)
        assert said["peers"] == [] and said["total"] == 0
        assert "no peers" in said["note"]
    assert "resolver_cache" in page(tree, "client", "resolver-cache-stats")


def test_a_watch_ends_after_its_count_and_after_its_time(tree):
    until_known(tree)
    lines = tree.run_banyan("discovery", "watch", "--summary", "--count",
                            "3").stdout.splitlines()
    said = [json.loads(line) for line in lines]
    assert len(said) == 3
    assert all(s["topic"] == "discovery/summary" and
               s["payload"]["namespace"] == "user_service" for s in said)
    done = tree.run_banyan("discovery", "watch", "--duration", "1")
    assert done.returncode == 0


def test_denied_access_is_told(tree):
    """M27: a target that may not be registered is in both audits."""
    refused = {"service": "evil", "request_type": "rm", "nodes": ["user_service_1"],
               "mfa": {"module": "os", "function": "cmd", "args": []}}
    tree.run_banyan("functions", "add", json.dumps(refused))
    entries = until(lambda: page(tree, "discovery", "access-audit")[
        "access_entries"], 20, "an entry")
    assert entries[0]["namespace"] == "evil"
    assert entries[0]["allowed"] is False and entries[0]["reason"]
    policy = page(tree, "discovery", "policy")["policy"]
    assert policy["access_entries"][0]["namespace"] == "evil"
    assert policy["access_total"] >= 1
    assert any("op=functions.add" in line for line in policy["audit_entries"])
    assert policy["audit_total"] >= len(policy["audit_entries"])
    lines = (tree.state / "audit.log").read_text().splitlines()
    assert policy["audit_total"] == len(lines)


def test_reports_are_tables_or_json(tree):
    until_known(tree)
    text = tree.run_banyan("report", "namespace-health").stdout
    for title in ("Namespace", "Exports", "Summaries", "Last Export Count",
                  "Last Export At"):
        assert title in text
    rows = json.loads(tree.run_banyan(
        "report", "namespace-health", "--output", "json").stdout)
    assert rows[0]["namespace"] == "user_service"
    assert json.loads(tree.run_banyan(
        "report", "namespace-health", "--output", "json", "--namespace",
        "x").stdout) == []
    assert tree.run_banyan("report", "namespace-health", "-o",
                           "xml").returncode == 64
    assert tree.run_banyan("report", "export-lag",
                           "--frob").returncode == 64
    lag = tree.run_banyan("report", "export-lag").stdout
    assert [line.split("  ")[0] for line in lag.splitlines()] == [
        "Resolver Enabled", "Summary Export Enabled", "Delta Lag (s)",
        "Summary Export Lag (s)", "Last Delta At", "Last Summary Export At"]


def test_lists_deep_in_a_page_are_tables(tree):
    text = tree.run_banyan("monitor", "transport-endpoints").stdout
    assert any(line.split()[:2] == ["CONNECTION_TYPE", "PROTOCOL"]
               for line in text.splitlines()) and "[{" not in text


def test_a_channel_nobody_publishes_on_is_refused(tree):
    said = tree.run_banyan("bus", "tail", "lifecycel", "--for", "1")
    assert said.returncode == 64 and "banyan bus tail lifecycle" in said.stderr


def test_verbs_of_monitor_print_their_pages(tree):
    assert page(tree, "monitor", "endpoints")["total_endpoints"] > 5
    assert page(tree, "monitor", "dns")["dns_gateway"] == {"enabled": False}
    assert page(tree, "monitor", "link-state", code=1)["status"] == "error"
    page(tree, "monitor", "route-trace", "--destination", "x", code=1)
    assert tree.run_banyan("monitor", "route-trace").returncode == 64
    assert tree.run_banyan("monitor", "metrics", "--system",
                           "x").returncode == 64


def test_the_url_comes_from_the_option_or_the_environment(tree):
    url = tree.endpoints()["monitoring"]
    done = subprocess.run(
        [BANYAN, "monitor", "endpoints", "--json"], capture_output=True,
        text=True, env={**tree.env, "BANYAN_RUNTIME_DIR": "/nowhere",
                        "BANYAN_MONITORING_URL": url})
    assert done.returncode == 0 and json.loads(done.stdout)["status"] == "ok"
    none = subprocess.run(
        [BANYAN, "monitor", "endpoints"], capture_output=True, text=True,
        env={**tree.env, "BANYAN_RUNTIME_DIR": "/nowhere"})
    assert none.returncode == 3 and "BANYAN_MONITORING_URL" in none.stderr
    dead = tree.run_banyan("monitor", "endpoints", "--url",
                           "http://127.0.0.1:1")
    assert dead.returncode == 3 and "no answer" in dead.stderr


@pytest.mark.parametrize("words", [
    ["monitor", "dns-watch", "-i", "0.1"], ["monitor", "dns", "--watch", "0.1"],
    ["report", "export-lag", "--watch", "0.1"], ["tree", "--watch", "0.1"],
    ["discovery", "watch", "--summary"]])
def test_a_watch_stops_cleanly_when_interrupted(tree, words):
    until_known(tree)
    with running([BANYAN, *words], stdout=subprocess.PIPE,
                 stderr=subprocess.PIPE, text=True, env=tree.env) as watch:
        for _ in range(2 if words[-1] == "--summary" else 14):
            assert watch.stdout.readline()
        watch.send_signal(signal.SIGINT)
        _, said = watch.communicate(timeout=20)
    assert watch.returncode == 0 and "stopped" in said


def test_a_watch_goes_on_when_the_monitor_had_a_new_life():
    """The monitor counts its messages from 0 again."""
    with Tree(EXPORTING.replace("puller: {{}}\n", "").replace(
            'security: {allowed_targets: ["Demo.*", "user_service.*"]}\n',
            "")) as tree:
        until_known(tree)
        until(lambda: page(tree, "discovery", "summary")["summary_export"][
            "exports_total"] > 2, 20, "summaries")
        with running([BANYAN, "discovery", "watch", "--summary", "--count",
                      "1"], stdout=subprocess.PIPE, text=True,
                     env=tree.env) as watch:
            assert json.loads(watch.stdout.readline())["payload"][
                "sequence"] > 2
        with running([BANYAN, "discovery", "watch", "--summary"],
                     stdout=subprocess.PIPE, text=True,
                     env=tree.env) as watch:
            assert watch.stdout.readline()
            watch.send_signal(signal.SIGSTOP)
            life = tree.child("monitor")["life"]
            tree.kill("monitor")
            tree.until("monitor", state="up", life=life + 1)
            watch.send_signal(signal.SIGCONT)
            until(lambda: json.loads(watch.stdout.readline())["payload"][
                "sequence"] <= 2, 20, "a message of the new life")


def test_options_choose_the_page(tree):
    """M32: --cluster, --summary or --detail, --system."""
    assert "health_summary" in page(tree, "monitor", "health")
    assert "federation_health" in page(tree, "monitor", "health", "--detail")
    assert page(tree, "monitor", "health", "--cluster", "test")["cluster"][
        "cluster_id"] == "test"
    page(tree, "monitor", "health", "--cluster", "nobody", code=1)
    for system in ("rpc", "PubSub", "queue", "cache"):
        assert page(tree, "monitor", "metrics", "--system", system)[
            "system"] == system.lower()
    assert "unified_metrics" in page(tree, "monitor", "metrics")
    assert "transport_health_snapshots" in page(
        tree, "monitor", "metrics", "--system", "transport")
    assert "topology" in page(tree, "monitor", "topology")
    assert "analysis" in page(tree, "monitor", "topology", "--analysis")
    points = page(tree, "monitor", "timeseries", "--metric", "health_score")
    assert points["metric"] == "health_score"
    page(tree, "monitor", "timeseries", "--duration", "x", code=1)


def test_status_has_its_six_rows_and_its_four_parts(tree):
    """M34: a table, or each payload with its status code."""
    text = tree.run_banyan("monitor", "status").stdout
    for row in ("Health", "Clusters", "Persistence", "Snapshots", "Transport",
                "Unified"):
        assert row in text
    parts = json.loads(tree.run_banyan(
        "monitor", "status", "--output", "json").stdout)
    assert set(parts) == {"health", "persistence", "transport", "unified"}
    assert all(p["status_code"] == 200 and p["payload"]["status"] == "ok"
               for p in parts.values())
    assert json.loads(tree.run_banyan("monitor", "status", "-o", "json").stdout)
    for words in (["-c", "test"], ["--detail"]):
        done = tree.run_banyan("monitor", "status", *words)
        assert done.returncode == 0 and "healthy, score" in done.stdout
    nobody = tree.run_banyan("monitor", "status", "-c", "nobody")
    assert nobody.returncode == 1 and "no cluster `nobody`" in nobody.stdout
    assert nobody.stdout.splitlines()[-1].startswith("next: ")
    assert tree.run_banyan("monitor", "status", "-o", "xml").returncode == 64
