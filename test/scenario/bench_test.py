"""The report of scripts/bench: its shape, and what makes it fail."""
import importlib.util
import json
import os
import pathlib
import sys

import pytest

BENCH = pathlib.Path(__file__).resolve().parent.parent / "bench"
BUILD = pathlib.Path(os.environ.get("BANYAN_BUILD", BENCH.parent.parent / "build"))


sys.path.insert(0, str(BENCH))  # the rows import each other


def module(name):
    spec = importlib.util.spec_from_file_location(name, BENCH / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


local_rows = module("local_rows")
slices = module("slices")
observed_rows = module("observed_rows")
rows = module("rows")
bench = module("bench")
trees = rows.trees


class Fake:
    """Servers that are as fast and as honest as a test says."""

    quick = True

    def __init__(self, calls_per_s=500_000, **ledger):
        self.result = {"calls_per_s": calls_per_s, "p50_us": 20.0,
                       "p99_us": 90.0, "p999_us": 200.0,
                       "chunks_per_s": 2 * calls_per_s,
                       "cpu_us": {"gateway": 1.0, "service": 0.5},
                       "errors": 0, "lost": 0, "timeouts": 0,
                       **dict.fromkeys(rows.LEDGER, 0), **ledger}

    def load_gateway(self, *_, **__):
        return dict(self.result)

    def add_function(self, function):
        assert function["response_type"] == "async"

    def load_echo(self, *_, **__):
        return {"calls_per_s": 1_000_000, "p50_us": 10.0}


def run(monkeypatch, capsys, row="sync_64x16", **fake):
    class Bench(Fake):
        def __init__(self, *_):
            super().__init__(**fake)

        def start_echo(self):
            pass

        start_tree = close = start_echo

    monkeypatch.setattr(rows, "Bench", Bench)
    monkeypatch.setattr(sys, "argv", ["bench", "--programs", "x", "--json",
                                      "--rows", row])
    code = bench.main()
    return code, json.loads(capsys.readouterr().out)


def test_a_report_has_the_fields_readers_hold_on_to(monkeypatch, capsys):
    code, report = run(monkeypatch, capsys)
    assert code == 0 and report["schema"] == 1 and report["machine"]["cpus"]
    row = report["rows"][0]
    assert {"name", "calls_per_s", "gateway_cpu_us", "service_cpu_us",
            "p50_us", "p99_us", "p999_us", "echo_per_s", "echo_ratio",
            "unanswered", "answered_twice", "holds"} <= set(row)
    assert row["holds"] and row["echo_ratio"] == 0.5


def test_a_slow_run_misses_its_target_and_still_exits_with_0(
        monkeypatch, capsys):
    code, report = run(monkeypatch, capsys, calls_per_s=1000)
    assert code == 0 and not report["rows"][0]["holds"]


@pytest.mark.parametrize("entry", ["unanswered", "answered_twice"])
def test_a_broken_ledger_exits_with_1(monkeypatch, capsys, entry):
    code, report = run(monkeypatch, capsys, **{entry: 1})
    assert code == 1 and report["rows"][0][entry] == 3  # three rounds


@pytest.mark.parametrize("row, rate", [("async_64x16", "calls_per_s"),
                                       ("stream_64", "chunks_per_s")])
def test_the_other_kinds_hold_by_their_own_rate_and_order(
        monkeypatch, capsys, row, rate):
    _, report = run(monkeypatch, capsys, row=row, calls_per_s=260_000)
    assert report["rows"][0][rate] >= 260_000 and report["rows"][0]["holds"]
    _, report = run(monkeypatch, capsys, row=row, calls_per_s=1000)
    assert not report["rows"][0]["holds"]
    _, report = run(monkeypatch, capsys, row=row, disordered=1)
    assert not report["rows"][0]["holds"]


def test_refusals_are_not_speed(monkeypatch, capsys):
    _, report = run(monkeypatch, capsys, errors=5)
    assert not report["rows"][0]["holds"]


def test_every_row_of_the_targets_is_there():
    assert {"sync_64x16", "sync_64x1", "sync_1x1", "async_64x16",
            "sync_64x16_guarded", "sync_64x16_telemetry",
            "sync_64x16_traced", "sync_64x16_scraped", "stream_64", "restart", "local_64x16", "local_1x1",
            "local_process_64x16", "python_64x16",
            "supervisor_kill", "hang", "cold_start", "reload",
            "idle_memory", "tree_memory"} <= set(rows.ROWS)


@pytest.mark.parametrize("row, good", [
    ({"calls_per_s": 15_000}, True), ({"calls_per_s": 14_000}, False),
    ({"calls_per_s": 7_000, "echo_per_s": 1e6}, True),
    ({"calls_per_s": 90_000, "errors": 1}, False)])
def test_a_local_row_holds_by_its_figure_or_its_share_of_the_echo(row, good):
    row = {"errors": 0, "wrong": 0, "echo_per_s": 2.35e6, **row}
    assert local_rows.holds(row, {"calls": 15_000, "ratio": 0.0064}) is good


def test_guarded_calls_may_lose_a_tenth_and_no_more():
    row = {"errors": 0, "wrong": 0, "plain_share": 0.9}
    assert rows.guarded_holds(row)
    assert not rows.guarded_holds({**row, "plain_share": 0.899})
    assert not rows.guarded_holds({**row, "errors": 1})


def test_a_lone_local_call_holds_by_its_median_or_the_echos():
    row = {"errors": 0, "wrong": 0, "p50_us": 100, "echo_p50_us": 15}
    assert not local_rows.holds(row, {"p50": 90, "times": 6})
    row["echo_p50_us"] = 20
    assert local_rows.holds(row, {"p50": 90, "times": 6})


def test_the_middle_of_the_pairs_counts_whatever_fell_into_one_of_them():
    pairs = [({"calls_per_s": 100}, {"calls_per_s": rate})
             for rate in (99, 98, 97, 20, 400)]
    ratio, quarters = slices.ratio_of(pairs, "calls_per_s")
    assert ratio == 0.98 and quarters == [0.97, 0.99]


@pytest.mark.parametrize("row, good", [
    ({"rate_ratio": 0.97, "published": 9}, True),
    ({"rate_ratio": 0.969, "published": 9}, False),
    ({"rate_ratio": 1.0, "published": 0}, False),
    ({"rate_ratio": 1.0, "published": 9, "errors": 1}, False)])
def test_telemetry_may_cost_three_percent_and_must_be_told(row, good):
    assert observed_rows.telemetry_holds(
        {"errors": 0, "wrong": 0, **row}) is good


def test_tracing_may_cost_two_percent_and_scrapes_move_p99_by_five():
    sound = {"errors": 0, "wrong": 0}
    assert observed_rows.traced_holds({**sound, "rate_ratio": 0.98, "records": 1})
    assert not observed_rows.traced_holds(
        {**sound, "rate_ratio": 0.979, "records": 1})
    watched = {**sound, "scrapes": 5, "watch_failed": 0}
    assert observed_rows.scraped_holds({**watched, "p99_ratio": 1.05})
    assert not observed_rows.scraped_holds({**watched, "p99_ratio": 1.051})


def test_one_set_of_clients_is_measured_by_turns_and_ends_whole():
    switched = []
    with trees.Tree(trees.SETTINGS) as tree:
        tree.until_linked()
        made = rows.Bench(BUILD / "test" / "bench", True)
        made.tree = tree
        with slices.Slices(made, observed_rows.calls(tree, made.url(), 4)) as one:
            pairs = slices.by_turns(one, switched.append, 2, 0.05)
    row = slices.figures("x", pairs, one)
    assert switched == [True, False] and row["pairs"] == 2
    assert one.ledger[0]["answers"] > 0 and one.ledger[0]["reconnects"] == 0
    assert row["unanswered"] == row["answered_twice"] == row["errors"] == 0
    assert all(half["calls_per_s"] > 0 for pair in pairs for half in pair)
