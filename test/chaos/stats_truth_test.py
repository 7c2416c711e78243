"""Whatever was done to the tree: its counters are the clients' ledger.

The generators count what they sent and how each call ended; the gateways count
the same from their side, in memory that outlives them. After a run the two
must be equal, call for call, and the histograms must have as many values as
there were calls.
"""
import pytest

from loaded_tree import LoadedTree, until

ROLES = ["config_db", "rate_limiter", "worker_pool", "relay", "puller",
         "monitor", "control"]


@pytest.fixture(scope="module", name="tree")
def shared_tree():
    with LoadedTree() as tree:
        yield tree


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
