"""Ten thousand clients that come back at once, and a function table that
changes all the time: what a restart or a deployment does to a gateway."""
import json
import pathlib
import re
import signal
import sys
import threading

import pytest

from loaded_tree import LoadedTree, Load, now, until

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "scenario"))
from control_wire import Control  # noqa: E402
from phoenix_client import RawClient  # noqa: E402

CROWD = 9000   # this machine has 20 000 descriptors for both ends together
CHANGES = 1500
SERVICE = "user_service"


def peak_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", text)[1])


def crowd_of(tree):
    said = tree.banyan("stats", "--peek", code=None) or {"processes": []}
    return sum(p["counters"]["channels"] for p in said["processes"]
               if p["role"] == "gateway")


def test_a_crowd_that_reconnects_at_once_is_back_and_costs_no_more(request):
    with LoadedTree() as tree:
        load = Load(tree, clients=CROWD, in_flight=1)
        request.addfinalizer(load.process.kill)
        before = {g: peak_kb(tree.pid(g)) for g in ("gateway/1", "gateway/2")}
        began = now()
        for gateway in before:
            tree.send(gateway, signal.SIGKILL)
        until(lambda: crowd_of(tree) >= CROWD, 60, "the crowd is back")
        assert now() - began < 60
        total = sum(peak_kb(tree.pid(g)) for g in before)
        assert total <= 1.5 * sum(before.values()), (before, total)
        ledger = load.stop()
        assert ledger["answered_twice"] == ledger["untyped"] == 0, ledger
        assert ledger["unanswered"] == ledger["lost"], ledger
        assert ledger["lost"] <= CROWD, ledger
        tree.until_whole()


def version(number):
    """echo with its answer fixed in the config: what a reader saw of it."""
    return {"service": "churn", "request_type": "which",
            "nodes": ["user_service_1"],
            "mfa": {"module": SERVICE, "function": "echo",
                    "args": [f"{number}"]}}


class Reader(threading.Thread):
    """Calls all the time and keeps what it was answered."""

    def __init__(self, port):
        super().__init__()
        self.client = RawClient(port)
        assert self.client.join()[1] == "ok"
        self.seen = []
        self.is_over = False
        self.failure = None
        self.start()

    def run(self):
        try:
            while not self.is_over:
                answer, _ = self.client.call({
                    "service": "churn", "request_type": "which",
                    "request_id": "r", "args": {}})
                assert answer["success"], answer
                self.seen.append(int(answer["result"]))
        except (AssertionError, OSError, ValueError) as e:
            self.failure = e


@pytest.fixture(scope="module", name="tree")
def shared_tree():
    with LoadedTree() as tree:
        yield tree


def test_a_table_that_changes_all_the_time_is_read_whole(tree):
    control = Control(tree.run / "control.ipc")

    def ask(op, **args):
        request = {"op": op, "args": args}
        return json.loads(control.ask(json.dumps(request).encode()))

    port = int(tree.endpoints()["gateway"].split(":")[2].split("/")[0])
    assert ask("functions.add", json=version(0))["ok"]
    until(lambda: tree.run_banyan("call", "churn", "which").returncode == 0)
    readers = [Reader(port) for _ in range(4)]
    refused = 0
    with tree.load(clients=16) as load:
        for n in range(1, CHANGES + 1):
            broken = n % 10 == 0
            change = {**version(n), **({"timeout": 1} if broken else {})}
            said = ask("functions.update", json=change)
            assert said["ok"] is not broken, said
            refused += broken
    for reader in readers:
        reader.is_over = True
    for reader in readers:
        reader.join(20)
        assert reader.failure is None
        assert reader.seen == sorted(reader.seen), "never back to an old one"
        assert all(n % 10 for n in reader.seen if n), "no broken one was run"
        assert len(set(reader.seen)) > 10, "it changed while they looked"
        reader.client.socket.close()
    load.holds(codes=[])
    control.close()
    assert refused == CHANGES // 10
    listed = [f for f in tree.banyan("failed", "list")
              if f["service"] == "churn"]
    assert len(listed) == 1 and listed[0]["times"] == refused, listed
