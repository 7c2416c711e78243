"""The operators' HTTP: its address, its errors, and who may hold it up."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess

import pytest
from monitor_client import ask, get, place, raw, status_of
from tree import BANYAND, SETTINGS, Tree, until


def settings(**monitoring):
    words = ", ".join(f"{k}: {v}" for k, v in monitoring.items())
    return SETTINGS.replace("monitoring: {port: 0}",
                            f"monitoring: {{{words}}}")


@pytest.fixture(scope="module")
def tree():
    with Tree(service=False) as a_tree:
        yield a_tree


# --- the address ---

def test_two_trees_take_two_free_ports_and_print_them(tree):
    with Tree(service=False) as other:
        ports = []
        for one in (tree, other):
            host, port = place(one)
            assert host == "127.0.0.1" and 50000 <= port <= 55000
            assert f"monitoring: http://127.0.0.1:{port}\n" in one.log()
            assert f"\nexport BANYAN_MONITORING_URL=http://127.0.0.1:{port}" \
                "\n" in one.log()
            assert get(one, "/").json["monitoring_port"] == port
            assert f"http://127.0.0.1:{port}" in \
                one.run_banyan("endpoints").stdout
            ports.append(port)
        assert ports[0] != ports[1]


def test_a_port_in_use_is_a_warning_and_another_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Tree(settings(port=port), service=False) as tree:
            assert place(tree)[1] != port
            assert get(tree, "/livez").status == 200
            line = next(line for line in tree.log().splitlines()
                        if "monitor_port_taken" in line)
            assert " warn " in line and f"port={port}" in line


def test_a_port_that_is_free_is_the_one_taken():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Tree(SETTINGS, service=False,
              arguments=["--monitoring-port", str(port)]) as tree:
        assert place(tree)[1] == port
        assert "monitor_port_taken" not in tree.log()


@pytest.mark.parametrize("how", ["file", "flag"])
def test_switched_off_nothing_listens(how):
    text = settings(enabled="false") if how == "file" else SETTINGS
    flags = [] if how == "file" else ["--no-monitoring"]
    with Tree(text, service=False, arguments=flags) as tree:
        assert "monitoring" not in tree.endpoints()
        assert "BANYAN_MONITORING_URL" not in tree.log()
        inodes = {os.readlink(f"/proc/{pid}/fd/{fd}")
                  for pid in [tree.daemon.pid, tree.pid("monitor")]
                  for fd in os.listdir(f"/proc/{pid}/fd")}
        listening = {f"socket:[{line.split()[9]}]"
                     for name in ("tcp", "tcp6")
                     for line in open(f"/proc/net/{name}")
                     if line.split()[3] == "0A"}
        assert len(inodes & listening) == 1, "the clients' port alone"
        assert tree.banyan("monitor", "show")["up_ms"] >= 0


def test_a_host_that_is_no_address_is_a_settings_error():
    tree = Tree(settings(host="nowhere"), service=False, start=False)
    try:
        daemon = tree.spawn()
        assert daemon.wait(20) == 78
        assert "monitoring.host: `nowhere` is no address" in tree.log()
    finally:
        tree.close()


def test_ports_that_contradict_each_other_are_refused(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text("monitoring: {port: 9000}\nprometheus: {port: 9000}\n")
    done = subprocess.run([str(BANYAND), "--check", str(file)], text=True,
                          capture_output=True, check=False, env={
                              **os.environ, "BANYAN_RUNTIME_DIR":
                              str(tmp_path), "HOME": str(tmp_path)})
    assert done.returncode == 78
    assert "prometheus.port: monitoring.port is 9000 too" in done.stderr


# --- who dies ---

def answers(where):
    """Refused is an error; who dies may still take a connection with it."""
    try:
        return get(where, "/livez", timeout=20).status == 200
    except (ConnectionResetError, http.client.RemoteDisconnected):
        return False


def test_the_address_outlives_monitor_and_supervisor():
    with Tree(service=False) as tree:
        where = place(tree)
        waiting = socket.create_connection(where)
        tree.kill("monitor")
        # the port is open while nobody serves it: this waits, it is not
        # refused
        until(lambda: answers(where))
        waiting.close()
        os.kill(tree.supervisor_pid(), signal.SIGKILL)
        until(lambda: answers(where))
        tree.until_whole()
        assert place(tree) == where


def test_the_address_outlives_the_guard():
    with Tree(service=False) as tree:
        where, before = place(tree), tree.supervisor_pid()
        tree.daemon.kill()
        tree.daemon.wait()
        until(lambda: answers(where))
        tree.start()
        # the tree of before answers until the new guard has drained it
        tree.until_whole()
        assert tree.supervisor_pid() != before
        assert place(tree) == where


# --- requests ---

def test_every_answer_has_its_time_and_who_made_it(tree):
    for path, status in (("/", 200), ("/nothing", 404), ("/livez", 200)):
        answer = get(tree, path)
        assert answer.status == status
        assert re.fullmatch(r"\d+\.\d\d",
                            answer.headers["x-response-time-ms"])
        assert answer.headers["x-monitoring-system"].startswith("banyan/")
        assert answer.headers["access-control-allow-origin"] == "*"
    refused = raw(tree, b"what?\r\n\r\n")
    assert b"X-Response-Time-Ms: " in refused
    assert b"X-Monitoring-System: banyan/" in refused


def test_other_origins_can_be_shut_out_while_it_runs():
    with Tree(service=False) as tree:
        options = ask(tree, "OPTIONS", "/endpoints")
        assert options.status == 204 and options.body == b""
        assert options.headers["access-control-allow-methods"] == \
            "GET, POST, OPTIONS"
        assert options.headers["access-control-allow-headers"] == \
            "Content-Type"
        tree.rewrite(settings(port=0, cors="false"))
        assert tree.banyan_ok("reload")
        for method in ("GET", "OPTIONS"):
            assert not [k for k in ask(tree, method, "/").headers
                        if k.startswith("access-control")]


def test_a_wrong_method_learns_the_right_ones(tree):
    answer = ask(tree, "DELETE", "/endpoints")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert answer.json["status"] == "error"
    assert "GET, HEAD" in answer.json["message"]


def test_an_unknown_path_gets_a_suggestion(tree):
    answer = get(tree, "/endpoint")
    assert answer.status == 404
    assert answer.json == {"status": "error", "message":
                           "no path /endpoint; did you mean /endpoints?"}
    assert ask(tree, "OPTIONS", "/endpoint").status == 404


def test_head_is_get_without_its_body(tree):
    whole, head = get(tree, "/endpoints"), ask(tree, "HEAD", "/endpoints")
    assert head.status == 200 and head.body == b""
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert int(head.headers["content-length"]) > 100


@pytest.mark.parametrize("data, status", [
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"hello\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    (b"GET /%00 HTTP/1.0\r\n\r\n", 400),
    (b"GET /?a=%ff HTTP/1.0\r\n\r\n", 400),
    (b"GET /?" + b"a&" * 65 + b" HTTP/1.0\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 17000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
    (b"GET /" + b"y" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
])
def test_what_cannot_be_read_is_told_so_in_json(tree, data, status):
    answer = raw(tree, data)
    assert status_of(answer) == status, answer[:200]
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"Content-Type: application/json" in head
    assert json.loads(body)["status"] == "error"


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_that_is_too_big_is_413_and_one_that_fits_is_not(
        tree, is_chunked):
    def post(count):
        whole = b"x" * count
        body = (whole[i:i + 4096] for i in range(0, count, 4096)) \
            if is_chunked else whole
        return ask(tree, "POST", "/endpoints", body=body)
    assert post(65536).status == 405
    answer = post(65537)
    assert answer.status == 413
    assert answer.json["message"] == "the body has more than 65536 bytes"
    assert post(1000000).status == 413


def test_all_parameters_that_may_be_are_taken(tree):
    query = "&".join(f"a{i}={'x' * 50}" for i in range(64))
    assert get(tree, f"/?{query}").status == 200
    query = "&".join("%61" * 300 for _ in range(4))
    assert get(tree, f"/?{query}").status == 200


def test_a_request_in_single_bytes_is_one_request(tree):
    with socket.create_connection(place(tree)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n":
            s.send(bytes([byte]))
        assert status_of(s.recv(65536)) == 200


def test_slow_heads_are_cut():
    with Tree(settings(port=0, header_timeout_ms=300,
                       request_timeout_ms=300), service=False) as tree:
        assert status_of(raw(tree, b"GET / HT")) == 408
        # the head is whole, its body never comes
        with socket.create_connection(place(tree), timeout=10) as s:
            s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n"
                      b"Content-Length: 10\r\n\r\n1")
            assert s.recv(1000) == b""
        counters = tree.banyan("stats")
        assert json.dumps(counters).count("http_slow") == 1


# --- probes ---

def test_probes_are_told_in_words_and_in_json(tree):
    for path in ("/livez", "/readyz", "/startupz"):
        short = get(tree, path)
        assert (short.status, short.text) == (200, "ok\n")
        assert short.headers["content-type"].startswith("text/plain")
        long = get(tree, f"{path}?verbose").text.splitlines()
        assert long[-1] == f"{path[1:]} check passed"
        assert all(line.endswith(" ok") for line in long[:-1])
        told = get(tree, path, headers={"Accept": "application/json"}).json
        assert told["status"] == "ok" and told["probe"] == path[1:]
        assert all(c["status"] == "ok" for c in told["checks"])
        assert told["timestamp"] > 1.6e9
        assert get(tree, f"{path}?format=json").json["probe"] == path[1:]
    assert "[+]gateways ok" in get(tree, "/readyz?verbose").text
    assert "[+]config_db ok" in get(tree, "/readyz?verbose").text


def test_one_check_can_be_asked_by_name(tree):
    assert get(tree, "/readyz?check=gateways").status == 200
    assert get(tree, "/readyz?check=gateways&verbose").text.splitlines() == \
        ["[+]gateways ok", "readyz check passed"]
    assert get(tree, "/readyz?check=nonsense").status == 404


def test_a_tree_without_gateways_is_alive_and_not_ready():
    with Tree(service=False) as tree:
        assert get(tree, "/readyz").status == 200
        tree.banyan("stop", "gateway")
        answer = get(tree, "/readyz")
        assert answer.status == 503
        assert "[-]gateways failed: no gateway takes clients" in answer.text
        told = get(tree, "/readyz?format=json")
        assert told.status == 503 and told.json["status"] == "error"
        assert {"name": "gateways", "status": "failed", "message":
                "no gateway takes clients; see banyan why gateway"} in \
            told.json["checks"]
        assert get(tree, "/livez").status == 200
        assert get(tree, "/startupz").status == 200
        tree.banyan("start", "gateway")
        until(lambda: get(tree, "/readyz").status == 200)


def test_a_role_that_is_away_degrades_and_does_not_fail():
    with Tree(service=False) as tree:
        tree.banyan("stop", "puller")
        answer = get(tree, "/readyz?verbose")
        assert answer.status == 200
        assert "[~]puller degraded: an operator stopped it" in answer.text


def test_who_looks_waits_for_the_end_of_a_gateways_turn(tree):
    monitor = tree.pid("monitor")
    for thread in os.listdir(f"/proc/{monitor}/task"):
        assert os.sched_getscheduler(int(thread)) == os.SCHED_BATCH
    assert os.sched_getscheduler(tree.pid("gateway")) == os.SCHED_OTHER


# --- the list of paths ---

def test_every_path_listed_answers(tree):
    listed = get(tree, "/endpoints").json
    paths = listed["endpoints"]
    assert listed["total_endpoints"] == len(paths)
    assert get(tree, "/").json["endpoints"] == [p["path"] for p in paths]
    for row in paths:
        assert row["method"] in ("GET", "POST") and row["description"]
        if row["method"] == "GET" and "{" not in row["path"]:
            assert get(tree, row["path"]).status in (200, 400, 503), row
