"""Whatever was done to the tree: its counters are the clients' ledger.

The generators count what they sent and how each call ended; the gateways count
the same from their side, in memory that outlives them. After a run the two
must be equal, call for call, and the histograms must have as many values as
there were calls.
"""
import json

import pytest

from loaded_tree import SETTINGS, LoadedTree, until  # first: it sets the path
from functions_fresh_test import function

# so few places that functions that come and go must hand them over
FEW = SETTINGS.replace("gateway:\n", "gateway:\n  function_statistics: 16\n")
ROLES = ["config_db", "rate_limiter", "worker_pool", "relay", "puller",
         "monitor", "control"]


@pytest.fixture(scope="module", name="tree")
def shared_tree():
    with LoadedTree(FEW) as tree:
        yield tree


FUNCTION = ("calls", "answered", "failed", "client_gone", "discarded")
CLASSES = ("invalid", "not_found", "denied", "rate_limited", "unavailable",
           "expired", "unknown_outcome", "service_errors", "bad_results",
           "quarantined", "drained")


def add_up(stats):
    """What the functions of one look counted, and that it is the whole."""
    whole = {name: sum(p["counters"][name] for p in stats["processes"]
                       if p["role"] == "gateway")
             for name in FUNCTION + CLASSES}
    lines = stats["functions"]
    parts = {name: sum(line[name] for line in lines) for name in FUNCTION}
    for name in CLASSES:
        parts[name] = sum(line["errors"].get(name, 0) for line in lines)
    assert parts == whole
    for line in lines:
        assert line["failed"] == sum(line["errors"].values()), line
        if line["service"] != "__none__":
            assert line["latency_us"]["count"] == line["answered"], line
    return {(line["service"], line["request_type"]): line for line in lines}


def functions(tree):
    """The functions' figures, each time held against the gateways'. A call
    that ends between two reads of one look is in the totals alone."""
    return add_up(tree.banyan("stats"))


def figures(tree):
    """The gateways' counters and histograms, added up."""
    sums = {}
    for process in tree.banyan("stats")["processes"]:
        if process["role"] != "gateway":
            continue
        for name, value in process["counters"].items():
            sums[name] = sums.get(name, 0) + value
        for name, histogram in process["histograms"].items():
            key = f"{name}.count"
            sums[key] = sums.get(key, 0) + histogram["count"]
    return sums


def settled(tree):
    """The same once nothing is in flight any more."""
    def at_rest():
        found = figures(tree)
        ended = sum(found[n] for n in
                    ("answered", "failed", "client_gone", "discarded"))
        return found if ended == found["calls"] else None
    return until(at_rest, 20, "every call has ended")


def check(before, after, *ledgers):
    rose = {name: after[name] - before[name] for name in after}
    sums = {name: sum(ledger[name] for ledger in ledgers)
            for name in ("calls", "answers", "errors")}
    assert rose["calls"] == sums["calls"], (rose, ledgers)
    assert rose["answered"] == sums["answers"], (rose, ledgers)
    assert rose["failed"] == sums["errors"], (rose, ledgers)
    assert rose["client_gone"] == rose["discarded"] == 0
    assert rose["call_us.count"] + rose["stream_us.count"] + \
        rose["failed_us.count"] == rose["calls"]


def test_after_a_quiet_run_statistics_are_the_ledger(tree):
    before = settled(tree)
    with tree.load(clients=8) as good:
        with tree.load(clients=4, function="no_such_function",
                       expect=None) as bad:
            until(lambda: figures(tree)["not_found"] >
                  before["not_found"] + 1000)
            until(lambda: figures(tree)["answered"] >
                  before["answered"] + 5000)
    assert bad.ledger["errors"] > 0 and bad.ledger["answers"] == 0
    check(before, settled(tree), good.ledger, bad.ledger)


def count_of(found, service, function, what="calls"):
    return found.get((service, function), {}).get(what, 0)


def test_each_function_has_its_part_of_the_ledger(tree):
    settled(tree)
    before = functions(tree)
    with tree.load(clients=4) as good, \
            tree.load(clients=2, function="no_such_function",
                      expect=None) as bad, \
            tree.load(clients=2, arguments='{"user_id":42}',
                      expect=None) as wrong:
        until(lambda: figures(tree)["answered"] > 5000)
        functions(tree)  # adds up in the middle of it
    settled(tree)
    after = functions(tree)

    def rose(service, function, what="calls"):
        return count_of(after, service, function, what) - \
            count_of(before, service, function, what)
    assert rose("user_service", "get_user") == \
        good.ledger["calls"] + wrong.ledger["calls"]
    assert rose("user_service", "get_user", "answered") == \
        good.ledger["answers"]
    assert rose("user_service", "get_user", "failed") == \
        wrong.ledger["errors"] > 0
    assert rose("__none__", "__none__") == bad.ledger["calls"]
    assert rose("__none__", "__none__", "failed") == bad.ledger["errors"] > 0


def test_functions_add_up_over_deaths_of_gateways(tree):
    before = functions(tree)
    with tree.load(clients=8) as load:
        for name in ("gateway/1", "gateway/2", "supervisor", "gateway/1"):
            tree.kill_and_heal(name)
            tree.until_serving()
            functions(tree)
    after = functions(tree)
    rose = count_of(after, "user_service", "get_user", "answered") - \
        count_of(before, "user_service", "get_user", "answered")
    # what was answered to a client that had gone with its gateway is counted
    assert load.ledger["answers"] <= rose <= load.ledger["calls"]
    assert count_of(after, "__none__", "__none__", "answered") == 0
    settled(tree)  # what a killed gateway had in its hands has ended, too


def test_functions_add_up_while_some_come_and_go(tree):
    """Added, replaced, removed and disabled under load, by an operator and
    by a reload; nothing that was counted is ever lost."""
    with tree.load(clients=4):
        for i in range(30):
            name = f"passing_{i}"
            assert tree.banyan_ok("functions", "add", function(name))
            # whoever takes it: it is counted, once
            tree.call("user_service", name, {"user_id": "u42"})
            found = functions(tree)
            assert count_of(found, "user_service", name) == 1
            assert tree.banyan_ok("functions", "delete", "user_service", name,
                                  "--version", "1.0.0")
            if i % 10 == 0:
                assert tree.run_banyan("reload").returncode == 0
        functions(tree)
    settled(tree)
    found = functions(tree)
    # 16 places: most of the thirty have given theirs up
    assert count_of(found, "__other__", "__other__") > 0
    assert sum(count_of(found, "user_service", f"passing_{i}")
               for i in range(30)) + \
        count_of(found, "__other__", "__other__") >= 30


def test_after_kills_of_every_role_statistics_are_the_ledger(tree):
    """Of every role but the clients' own gateway and its parents."""
    before = settled(tree)
    with tree.load(clients=8) as load:
        for name in ROLES:
            tree.kill_and_heal(name)
        for service in tree.services[-1:]:
            service.kill()
            service.wait()
            tree.start_service()
        tree.until_serving()
    check(before, settled(tree), load.ledger)


def test_figures_since_the_last_call_add_up_to_the_whole(tree):
    before = settled(tree)
    tree.banyan("stats")
    rises = 0
    with tree.load(clients=4) as load:
        for _ in range(5):
            rises += since(tree)
    settled_now = settled_by_rises(tree, load)
    assert rises + settled_now == load.ledger["calls"]
    assert figures(tree)["calls"] - before["calls"] == load.ledger["calls"]


def since(tree):
    return sum(p["since_last"].get("calls", 0)
               for p in tree.banyan("stats")["processes"]
               if p["role"] == "gateway")


def settled_by_rises(tree, load):
    """What came after the last look; the load has ended, so one look does."""
    assert load.ledger is not None
    return since(tree)
