"""The operators' HTTP under attack, and the monitor dead or hung, under load:
probes are answered, and no call notices."""
import re
import signal
import socket

from loaded_tree import SETTINGS, TIMES, LoadedTree, until
from http_flood import Flood, Slowloris
from monitor_client import get, place

ROUNDS = max(TIMES // 4, 5)
PROBES = 100
SMALL = SETTINGS.replace(
    "workers: {gateway: {instances: 2}}",
    "workers: {gateway: {instances: 2}, monitor: {nofile: 128}}")


def figure(tree, name):
    """A figure of the monitor, as /metrics tells it."""
    text = get(tree, "/metrics").text
    found = re.search(rf"^banyan_monitor_{name}{{.*}} (\d+)$", text, re.M)
    assert found, name
    return int(found[1])


def probe(where):
    for path in ("/livez", "/readyz", "/startupz"):
        answer = get(where, path)
        assert (answer.status, answer.text) == (200, "ok\n"), path


def hold_place(where):
    s = socket.create_connection(where, timeout=10)
    s.sendall(b"POST /endpoints HTTP/1.1\r\nHost: x\r\n"
              b"Content-Length: 100\r\n\r\n{")
    return s


def test_five_thousand_slow_sockets_do_not_keep_a_probe_out():
    """fault:N1, at a monitor that has 128 descriptors in all."""
    with LoadedTree(SMALL) as tree:
        where, pid = place(tree), tree.pid("monitor")
        get(where, "/metrics")  # worker_pool is asked: that socket stays
        before = tree.descriptors(pid)
        with tree.load(clients=16) as load, Slowloris(where, 5000) as attack:
            attack.until_all_came()
            for _ in range(PROBES):
                probe(where)
            assert get(where, "/metrics").status == 200
            assert tree.descriptors(pid) <= 128
            assert figure(tree, "http_pushed_out_total") > 1000
        load.holds(codes=[])
        assert tree.pid("monitor") == pid, "it lived through all of it"
        until(lambda: figure(tree, "http_waiting") == 0)
        until(lambda: tree.descriptors(pid) <= before + 1)


def test_whoever_holds_every_place_holds_none_of_the_probes():
    text = SMALL.replace("monitoring: {port: 0}", "monitoring: {port: 0, "
                         "max_connections: 16, max_per_address: 16}")
    with LoadedTree(text) as tree:
        where = place(tree)
        # a head is whole, its body never comes: it has a place
        held = []
        try:
            for _ in range(16):
                held.append(hold_place(where))
            until(lambda: get(where, "/endpoints").status == 503)
            refused = get(where, "/endpoints")
            assert refused.headers["retry-after"] == "1"
            assert refused.json["status"] == "error"
            for _ in range(PROBES):
                probe(where)
        finally:
            for s in held:
                s.close()
        until(lambda: get(where, "/endpoints").status == 200)
        assert figure(tree, "http_refused_total") > 0


def test_one_address_does_not_get_every_place():
    text = SMALL.replace("monitoring: {port: 0}", "monitoring: {port: 0, "
                         "max_connections: 16, max_per_address: 4}")
    with LoadedTree(text) as tree:
        where = place(tree)
        held = [hold_place(where) for _ in range(4)]
        try:
            until(lambda: get(where, "/endpoints").status == 429)
            probe(where)
        finally:
            for s in held:
                s.close()
        until(lambda: get(where, "/endpoints").status == 200)


def test_a_flood_of_scrapes_costs_no_call_and_no_probe():
    with LoadedTree() as tree:
        where, pid = place(tree), tree.pid("monitor")
        paths = ["/metrics", "/endpoints", "/metrics/prometheus", "/nothing"]
        with tree.load() as load, Flood(where, paths) as flood:
            flood.until_answered(500)
            for _ in range(PROBES):
                probe(where)
        load.holds(codes=[])
        assert set(flood.statuses) <= {200, 404, 429, 503}, flood.statuses
        assert tree.pid("monitor") == pid
        until(lambda: figure(tree, "http_connections") <= 1)


def test_the_monitor_killed_and_hung_under_load_costs_no_call():
    """fault:O1, the monitor's half."""
    with LoadedTree() as tree:
        where = place(tree)
        get(where, "/metrics")  # worker_pool is asked: that socket stays
        before = tree.tally()
        with tree.load() as load, Flood(where, ["/metrics", "/livez"], 8):
            for n in range(ROUNDS):
                number = signal.SIGSTOP if n % 4 == 0 else signal.SIGKILL
                pid = tree.send("monitor", number)
                tree.until_other("monitor", pid)
                probe(where)
        load.holds(codes=[])
        assert get(where, "/metrics").status == 200
        tree.until_tally(*before)
