"""/metrics: what it says is what was counted, in words Prometheus takes."""
import collections
import json
import re
import signal

import pytest
from monitor_client import get, place
from prometheus_programs import Prometheus, free_port, lint
from tree import SETTINGS, Tree, until

OPEN = {"Accept": "application/openmetrics-text; version=1.0.0,text/plain"}
LINE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')


def samples(text):
    """{name: {(("label", "value"), …): number}}"""
    found = collections.defaultdict(dict)
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = LINE.match(line).groups()
        key = tuple(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
        assert key not in found[name], f"twice: {line}"
        found[name][key] = float(value)
    return found


def scrape(tree, **more):
    answer = get(tree, "/metrics", **more)
    assert answer.status == 200
    return samples(answer.text)


def more_settings(text, **tree):
    return Tree(SETTINGS + text, **tree)


@pytest.fixture(scope="module")
def tree():
    with Tree() as a_tree:
        # the function is known; its node may not be met yet
        until(lambda: a_tree.call("user_service", "get_user",
                                  {"user_id": "u42"})[0] == 0)
        yield a_tree


def test_promtool_has_nothing_to_say(tree):
    answer = get(tree, "/metrics")
    assert answer.headers["content-type"] == \
        "text/plain; version=0.0.4; charset=utf-8"
    assert lint(answer.text) == (0, "")
    assert get(tree, "/metrics/prometheus").headers["content-type"] == \
        answer.headers["content-type"]


def test_openmetrics_comes_when_it_is_asked_for(tree):
    answer = get(tree, "/metrics", headers=OPEN)
    assert answer.headers["content-type"] == \
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.text.endswith("\n# EOF\n")
    assert "# TYPE banyan_gateway_calls counter\n" in answer.text
    assert "\nbanyan_gateway_calls_total{" in answer.text


def test_calls_are_counted_exactly(tree):
    key = (("role", "gateway"), ("child", "gateway/1"))
    before = scrape(tree)
    for _ in range(5):
        tree.call("user_service", "get_user", {"user_id": "u42"})
    after = until(
        lambda: (s := scrape(tree)) and
        s["banyan_gateway_answered_total"][key] ==
        before["banyan_gateway_answered_total"][key] + 5 and s)
    name = "banyan_gateway_call_seconds"
    assert after[f"{name}_count"][key] == before[f"{name}_count"][key] + 5
    assert after[f"{name}_sum"][key] > before[f"{name}_sum"][key]


def test_every_counter_of_every_process_is_there(tree):
    said = scrape(tree)
    text = json.dumps(tree.banyan("stats"))
    for name in ("gateway", "config_db", "relay", "worker_pool", "puller",
                 "rate_limiter", "control", "monitor"):
        assert name in text
        assert any(("role", name) in key
                   for key in said["banyan_process_turns_total"])
    assert said["banyan_process_memory_bytes"]
    assert all(v < 10 for v in
               said["banyan_process_lag_worst_seconds"].values())


def test_buckets_rise_to_the_count(tree):
    said = scrape(tree)
    rows = [(dict(k)["le"], v) for k, v in
            said["banyan_gateway_call_seconds_bucket"].items()]
    assert [v for _, v in rows] == sorted(v for _, v in rows)
    assert rows[-1][0] == "+Inf"
    assert rows[-1][1] == sum(
        said["banyan_gateway_call_seconds_count"].values())
    edges = [float(le) for le, _ in rows]
    assert edges == sorted(edges) and edges[0] < 1e-4 and edges[-2] > 30


def test_health_and_components_are_told(tree):
    said = scrape(tree)
    assert said["banyan_total_nodes"] == {(): 1}
    assert said["banyan_healthy_nodes"] == {(): 1}
    assert said["banyan_quorum"] == {(): 1}
    status = said["banyan_component_status"]
    assert status[(("component", "gateway/1"),)] == 0
    assert {"config_db", "monitor", "relay"} <= \
        {dict(k)["component"] for k in status}
    memory = said["banyan_performance"][
        (("component", "monitor"), ("node", "test"),
         ("metric", "memory_bytes"))]
    assert memory > 1e6


def test_rates_latencies_systems_and_the_machine_are_told(tree):
    tree.call("user_service", "get_user", {"user_id": "u42"})
    said = until(lambda: (s := scrape(tree)) and s["banyan_latency_seconds"][
        (("operation", "request"), ("percentile", "p99"))] > 0 and s)
    assert said["banyan_throughput_per_second"][(("operation", "request"),)] > 0
    percent = said["banyan_resource_usage_percent"]
    assert {k[0][1] for k in percent} == {"cpu", "memory", "disk", "network"}
    assert all(0 <= v <= 100 for v in percent.values())
    assert 0 < percent[(("resource", "memory"),)]
    assert said["banyan_system_score"][(("system", "rpc"),)] > .8
    assert said["banyan_health_score"][()] > .8


def test_every_event_is_counted_by_its_name(tree):
    spawned = (("event", "process.spawned"),)
    before = scrape(tree)["banyan_events_total"]
    life = tree.life("puller")
    tree.kill("puller")
    tree.until("puller", life=life + 1, state="up")
    assert scrape(tree)["banyan_events_total"][spawned] == \
        before[spawned] + 1
    assert len(before) > 100


def test_json_is_told_when_it_is_asked_for(tree):
    answer = get(tree, "/metrics", headers={"Accept": "application/json"})
    told = get(tree, "/metrics/federation").json
    assert set(answer.json) == set(told)
    assert "federation_metrics" in told


def test_a_role_that_is_away_shows():
    with Tree(service=False) as tree:
        tree.banyan("stop", "puller")
        said = scrape(tree)
        assert said["banyan_component_status"][
            (("component", "puller"),)] > 0
        assert said["banyan_healthy_nodes"] == {(): 0}
        # its counters do not go away with it
        assert (("role", "puller"), ("child", "puller")) in \
            said["banyan_process_turns_total"]


def test_each_pool_has_its_figures(tree):
    said = scrape(tree)
    pool = (("pool", "default"),)
    rows = tree.banyan("pools")["pools"]
    assert said["banyan_pool_capacity_workers"] == \
        {(("pool", row["name"]),): row["workers"] for row in rows}
    for name in ("pool_requests_total", "pool_errors_total", "pool_queued",
                 "pool_queue_timeouts_total", "pool_saturated_total"):
        assert said[f"banyan_{name}"][pool] == 0


def test_all_but_the_pools_is_told_while_worker_pool_stands_still():
    with Tree(service=False) as tree:
        pid = tree.kill("worker_pool", signal.SIGSTOP)
        said = scrape(tree)
        assert "banyan_pool_requests_total" not in said
        assert said["banyan_gateway_calls_total"]
        until(lambda: tree.pid("worker_pool") != pid, 15)
        until(lambda: scrape(tree)["banyan_pool_capacity_workers"], 15)


def test_the_prefix_is_a_setting_and_so_is_the_whole():
    with more_settings("prometheus: {prefix: gate}\n",
                       service=False) as tree:
        names = scrape(tree)
        assert names and all(n.startswith("gate_") for n in names)
        tree.rewrite(SETTINGS + "prometheus: {enabled: false}\n")
        assert tree.banyan_ok("reload")
        answer = get(tree, "/metrics/prometheus")
        assert answer.status == 503
        assert answer.json["message"] == "prometheus.enabled is false"


def test_a_prefix_that_is_no_name_is_refused():
    tree = more_settings("prometheus: {prefix: 9-lives}\n", start=False)
    try:
        assert tree.spawn().wait(20) == 78
        assert "prometheus.prefix: only letters" in tree.log()
    finally:
        tree.close()


def test_prometheus_may_have_a_port_of_its_own():
    port = free_port()
    with more_settings(f"prometheus: {{port: {port}}}\n",
                       service=False) as tree:
        apart = place(tree, "prometheus")
        assert apart[1] == port
        assert "banyan_build_info" in get(apart, "/metrics").text
        assert get(apart, "/livez").status == 200
        assert get(apart, "/endpoints").status == 404
        assert get(apart, "/metrics/federation").status == 404
        assert get(tree, "/endpoints").status == 200
        tree.kill("monitor")
        assert get(apart, "/metrics").status == 200


def test_more_series_than_may_be_are_summed_and_counted():
    with more_settings("prometheus: {max_series: 100}\n"
                       "workers: {gateway: {instances: 4}}\n",
                       service=False) as tree:
        answer = get(tree, "/metrics")
        assert lint(answer.text) == (0, "")
        said = samples(answer.text)
        other = (("role", "__other__"), ("child", "__other__"))
        assert said["banyan_gateway_calls_total"] == {other: 0}
        assert said["banyan_gateway_functions"][other] >= 0
        assert said["banyan_exposition_series_over"][()] > 500
        over = scrape(tree)["banyan_monitor_series_over_total"]
        assert list(over) == [other] or sum(over.values()) > 0
        assert "series_over" in json.dumps(tree.banyan("stats"))


def test_a_stock_prometheus_scrapes_a_running_tree(tmp_path):
    with Tree() as tree, Prometheus(tmp_path, place(tree)) as prometheus:
        up = prometheus.until("up{job='banyan'} == 1")
        assert up[0]["metric"]["instance"].startswith("127.0.0.1:")
        tree.call("user_service", "get_user", {"user_id": "u42"})
        prometheus.until("sum(banyan_gateway_answered_total) >= 1")
        prometheus.until("histogram_quantile(0.99, sum by (le) "
                         "(banyan_gateway_call_seconds_bucket)) > 0")
        # the next life of the monitor is scraped at the same address, and
        # no counter went back
        before = float(prometheus.query(
            "sum(banyan_gateway_answered_total)")[0]["value"][1])
        life = tree.life("monitor")
        tree.kill("monitor")
        prometheus.until(f"banyan_performance{{component='monitor',"
                         f"metric='life'}} == {life + 1}")
        assert float(prometheus.query(
            "sum(banyan_gateway_answered_total)")[0]["value"][1]) >= before
        assert prometheus.until("banyan_healthy_nodes == 1")
