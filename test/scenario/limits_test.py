"""Limits as clients meet them: real gateways, a real table, real deaths."""
import json
import os
import signal
import threading
import time

import pytest

from telemetry_tail import Tail
from tree import SETTINGS, Tree, until
from websocket import TEXT, WebSocket

CALL = {"service": "user_service", "request_type": "get_user",
        "args": {"user_id": "u42"}}
LIMITS = """\
rate_limiter:
  cleanup_interval_ms: 200
  global_limits:
    - {key: device_id, max_requests: 5, window_ms: 1500}
    - {key: ip_address, max_requests: 100000, window_ms: 1000}
"""


class Caller:
    """A joined client that pushes calls and sorts the answers."""

    def __init__(self, port):
        self.socket = WebSocket(port)
        self.refs = 1
        self.send(["1", "1", "api:lobby", "phx_join", {}])
        self.read_reply("1")
        until(self.is_served, 10, "the function is known, its node there")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.__exit__()

    def send(self, envelope):
        self.socket.send(TEXT, json.dumps(envelope))

    def read(self):
        kind, data = self.socket.read()
        assert kind == TEXT, (kind, data)
        return json.loads(data)

    def read_reply(self, ref):
        while True:
            frame = self.read()
            if frame[3] == "phx_reply" and frame[1] == ref:
                return frame[4]

    def is_served(self):
        answer = self.ask()[0]
        return answer["success"] or answer.get("code") == "rate_limited"

    def push(self, **fields):
        self.refs += 1
        self.send(["1", str(self.refs), "api:lobby", "api",
                   {**CALL, "request_id": str(self.refs), **fields}])
        return str(self.refs)

    def ask(self, count=1, **fields):
        """Pushes `count` calls at once and gives their responses."""
        waiting = {self.push(**fields) for _ in range(count)}
        found = {}
        while len(found) < count:
            frame = self.read()
            payload = frame[4]
            if frame[3] == "phx_reply":
                continue
            if payload.get("request_id") in waiting:
                found[payload["request_id"]] = payload
        return [found[i] for i in sorted(found, key=int)]


def refused(responses):
    return [r for r in responses if r.get("code") == "rate_limited"]


def admitted(responses):
    return [r for r in responses if r.get("code") != "rate_limited"]


@pytest.fixture(name="tree", scope="module")
def one_tree():
    with Tree(SETTINGS + LIMITS) as tree:
        yield tree


def test_n_calls_pass_and_the_next_are_told_when_to_come_back(tree):
    with Caller(tree.gateway_port()) as caller:
        began = time.monotonic()
        responses = caller.ask(12, device_id="d1")
        assert len(admitted(responses)) == 5
        assert all(r["success"] for r in admitted(responses))
        assert len(refused(responses)) == 7
        last = refused(responses)[-1]
        assert last["can_retry"] is True
        assert last["error"] == "Rate limit exceeded. Please retry after " \
            f"{last['retry_after_ms'] // 1000} seconds."
        assert 0 < last["retry_after_ms"] <= 1501
        # refusals do not extend the window; it opens when it was said to
        until(lambda: admitted(caller.ask(device_id="d1")), 5, "it opens")
        assert 1.5 < time.monotonic() - began


def test_a_call_without_the_value_passes_and_others_have_their_own(tree):
    with Caller(tree.gateway_port()) as caller:
        assert len(admitted(caller.ask(20))) == 20
        assert len(admitted(caller.ask(20, device_id=""))) == 20
        for device in "abc":
            assert len(admitted(caller.ask(8, device_id=device))) == 5


def test_status_shows_what_is_used_and_consumes_nothing(tree):
    with Caller(tree.gateway_port()) as caller:
        caller.ask(3, device_id="d3")
        for _ in range(3):
            limit = tree.banyan("limits", "status", "d3")[0]
            assert limit["key"] == "device_id"
            assert limit["max_requests"] == 5
            assert limit["current_requests"] + limit["remaining"] == 5
        assert len(admitted(caller.ask(9, device_id="d3"))) <= 5
    assert [limit["key"] for limit in tree.banyan("limits", "global")] == \
        ["device_id", "ip_address"]


def test_reset_forgets_one_key_or_all_gated_audited_and_told(tree):
    denied = tree.run_banyan("limits", "reset", "r1")
    assert denied.returncode == 77
    assert "admin_action_denied: update_rate_limit_config" in denied.stderr
    with Tree(SETTINGS + LIMITS.replace("1500}", "3600000}") + """\
  api_limits:
    - {service: user_service, request_type: get_user, key: device_id, max_requests: 7, window_ms: 3600000}
security: {admin_actions: [update_rate_limit_config]}
""") as own, Caller(own.gateway_port()) as caller, \
            Tail(own, "--event", "rate_limiter.reset") as tail:
        for device in ("r1", "r2"):
            assert len(admitted(caller.ask(6, device_id=device))) == 5
        wrong = own.run_banyan("limits", "reset", "r1", "--limit", "12")
        assert wrong.returncode == 1 and "limits config" in wrong.stderr
        assert own.run_banyan("limits", "reset").returncode == 64
        assert own.run_banyan("limits", "reset", "r1", "--all").returncode == 64
        assert own.banyan("limits", "reset", "nobody") == \
            {"limits": 3, "forgotten": 0}
        # of the function only: the global limit still refuses
        assert own.banyan("limits", "reset", "r1", "--service", "user_service",
                          "--function", "get_user") == \
            {"limits": 1, "forgotten": 1}
        assert admitted(caller.ask(device_id="r1")) == []
        assert own.banyan("limits", "reset", "r1")["forgotten"] >= 1
        assert len(admitted(caller.ask(6, device_id="r1"))) == 5
        # nobody else's budget came back
        assert admitted(caller.ask(device_id="r2")) == []
        assert own.banyan("limits", "reset", "--all")["forgotten"] >= 4
        assert len(admitted(caller.ask(6, device_id="r2"))) == 5
        tail.event("rate_limiter.reset", key="r1", scope="global",
                   rate_limit_key="device_id")
        tail.event("rate_limiter.reset", key="r1", scope="api",
                   rate_limit_key="device_id", service="user_service",
                   request_type="get_user")
        tail.event("rate_limiter.reset", key="all", scope="all",
                   rate_limit_key="all")
        lines = [x for x in (own.state / "audit.log").read_text().splitlines()
                 if " op=limits.reset " in x]
        assert len(lines) >= 5 and "r1" in lines[-2]


def test_idle_keys_are_swept_and_that_is_reported(tree):
    with Caller(tree.gateway_port()) as caller:
        for number in range(20):
            caller.ask(device_id=f"idle{number}")
    assert tree.banyan("limits", "config")["table"][0]["used"] >= 20

    def is_swept():
        config = tree.banyan("limits", "config")
        return config["table"][0]["used"] == 0 and config["last_sweep"]
    sweep = until(is_swept, 10, "all keys are idle and swept")
    assert sweep["busy_us"] > 0


def test_one_function_s_limit_leaves_the_others_alone():
    limits = """\
rate_limiter:
  api_limits:
    - {service: user_service, request_type: get_user, key: device_id,
       max_requests: 3, window_ms: 60000}
    - {service: user_service, request_type: other, key: device_id,
       max_requests: 1, window_ms: 60000}
"""
    with Tree(SETTINGS + limits) as tree, \
            Caller(tree.gateway_port()) as caller:
        assert len(admitted(caller.ask(10, device_id="d"))) == 3
        assert len(admitted(caller.ask(10))) == 10
        # a changed limit holds at once, and what was counted stays counted
        tree.file.write_text(tree.file.read_text().replace(
            "max_requests: 3", "max_requests: 4"))
        tree.banyan("reload", code=None)
        assert len(admitted(caller.ask(10, device_id="d"))) == 1
        tree.file.write_text(tree.file.read_text().replace(
            "rate_limiter:", "rate_limiter:\n  enabled: false"))
        tree.banyan("reload", code=None)
        assert len(admitted(caller.ask(10, device_id="d"))) == 10


def test_a_dead_limiter_changes_nothing_for_callers(tree):
    with Caller(tree.gateway_port()) as caller:
        life, pid = tree.life("rate_limiter"), tree.pid("rate_limiter")
        caller.ask(2, device_id="d9")
        os.kill(pid, signal.SIGKILL)
        responses = caller.ask(8, device_id="d9")
        assert len(admitted(responses)) == 3
        assert len(refused(responses)) == 5
        tree.until("rate_limiter", life=life + 1, state="up")


def hammer(port, until_s, ledger):
    """Calls all the time; notes (sent, received) of every admitted call."""
    with Caller(port) as caller:
        while time.monotonic() < until_s:
            sent = time.monotonic()
            responses = caller.ask(8)
            received = time.monotonic()
            ledger += [(sent, received)] * len(admitted(responses))


def test_no_window_is_above_the_limit_while_the_limiter_is_killed():
    limit, window_s = 50, 0.5
    limits = f"""\
workers:
  gateway: {{instances: 2}}
rate_limiter:
  cleanup_interval_ms: 100
  global_limits:
    - {{key: ip_address, max_requests: {limit}, window_ms: 500}}
"""
    with Tree(SETTINGS + limits) as tree:
        began = time.monotonic()
        ledgers = [[] for _ in range(4)]
        threads = [threading.Thread(target=hammer, args=(
            tree.gateway_port(), began + 5, ledger)) for ledger in ledgers]
        for thread in threads:
            thread.start()
        for _ in range(4):
            life = tree.life("rate_limiter")
            tree.kill("rate_limiter")
            tree.until("rate_limiter", life=life + 1, state="up")
        for thread in threads:
            thread.join()
        tree.until_whole()
        served = [tree.child(f"gateway/{n}") for n in (1, 2)]
        assert all(served), "both gateways share the one table"
    calls = sorted(c for ledger in ledgers for c in ledger)
    # a call was admitted between its sending and its answer: those wholly
    # inside a window were admitted in it
    for start, _ in calls:
        inside = sum(1 for sent, received in calls
                     if sent >= start and received <= start + window_s)
        assert inside <= limit
    assert len(calls) >= limit * 9, "nine whole windows at least"
