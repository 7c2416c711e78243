"""Each function's figures: in `stats`, at /metrics/functions, in /metrics."""
import pytest
from functions_fresh_test import function
from monitor_client import get
from monitor_metrics_test import samples
from prometheus_programs import lint
from tree import SETTINGS, Tree, until

PLACES = 16
FEW = SETTINGS.replace(
    "gateway:\n", f"gateway:\n  function_statistics: {PLACES}\n")


@pytest.fixture(scope="module", name="tree")
def fixture_tree():
    with Tree(FEW) as tree:
        until(lambda: tree.call("user_service", "get_user",
                                {"user_id": "u42"})[0] == 0)
        yield tree


def line(lines, service, function_name):
    return next((one for one in lines if one["service"] == service and
                 one["request_type"] == function_name), None)


def scraped(tree, name, **labels):
    """The one series with these labels, or 0."""
    text = get(tree, "/metrics").text
    return sum(value for key, value in samples(text)[name].items()
               if labels.items() <= dict(key).items())


def test_a_function_is_told_by_command_page_and_metrics_alike(tree):
    before = line(tree.banyan("stats")["functions"], "user_service",
                  "get_user")
    for _ in range(3):
        assert tree.call("user_service", "get_user",
                         {"user_id": "u42"})[0] == 0
    tree.call("user_service", "get_user", {"user_id": 42})
    tree.call("user_service", "no_such_function", {})
    lines = tree.banyan("stats")["functions"]
    after = line(lines, "user_service", "get_user")
    assert set(after) == {
        "service", "request_type", "version", "calls", "answered", "failed",
        "client_gone", "discarded", "errors", "latency_us"}
    assert after["calls"] - before["calls"] == 4
    assert after["answered"] - before["answered"] == 3
    assert after["errors"]["invalid"] - before["errors"].get("invalid", 0) == 1
    times = after["latency_us"]
    assert times["count"] == after["answered"]
    assert 0 < times["p50"] <= times["p90"] <= times["p99"] <= times["p999"]
    assert line(lines, "__none__", "__none__")["errors"]["not_found"] >= 1

    page = get(tree, "/metrics/functions").json["functions"]
    assert line(page, "user_service", "get_user") == after
    of = {"service": "user_service", "function": "get_user"}
    until(lambda: scraped(tree, "banyan_function_calls_total", **of) ==
          after["calls"], what="the scrape says the same")
    assert scraped(tree, "banyan_function_errors_total", **of,
                   **{"class": "invalid"}) == after["errors"]["invalid"]
    assert scraped(tree, "banyan_function_duration_seconds_count",
                   **of) == after["answered"]
    assert lint(get(tree, "/metrics").text) == (0, "")

    text = tree.run_banyan("stats").stdout
    assert "FUNCTION" in text
    assert any(row.split()[:2] ==
               ["user_service/get_user", after["version"] or
                str(after["calls"])]
               for row in text.splitlines() if row.startswith("user_service"))


def test_more_functions_than_places_are_told_as_others(tree):
    """All of them live on, so none gives its place up: they share one."""
    names = [f"many_{i}" for i in range(PLACES + 4)]
    for name in names:
        assert tree.banyan_ok("functions", "add", function(name))
        tree.call("user_service", name, {"user_id": "u42"})
    lines = tree.banyan("stats")["functions"]
    assert len(lines) == PLACES + 2
    other = line(lines, "__other__", "__other__")["calls"]
    assert other >= 4
    assert other + sum((line(lines, "user_service", name) or
                        {"calls": 0})["calls"] for name in names) >= \
        len(names)
    assert sum(one["calls"] for one in lines) == sum(
        p["counters"]["calls"] for p in tree.banyan("stats")["processes"]
        if p["role"] == "gateway")
    until(lambda: scraped(tree, "banyan_function_calls_total",
                          service="__other__", function="__other__") == other,
          what="and so says the scrape")
    assert lint(get(tree, "/metrics").text) == (0, "")


def test_a_ceiling_of_series_joins_both_kinds_of_others():
    with Tree(FEW + "prometheus: {max_series: 100}\n") as tree:
        until(lambda: tree.call("user_service", "get_user",
                                {"user_id": "u42"})[0] == 0)
        for name in (f"many_{i}" for i in range(PLACES + 4)):
            assert tree.banyan_ok("functions", "add", function(name))
            tree.call("user_service", name, {"user_id": "u42"})
        calls = sum(p["counters"]["calls"]
                    for p in tree.banyan("stats")["processes"]
                    if p["role"] == "gateway")
        until(lambda: scraped(tree, "banyan_function_calls_total",
                              service="__other__") == calls,
              what="one series has them all")
        assert lint(get(tree, "/metrics").text) == (0, "")
