"""Each event where it happens, with the fields of its row."""
import re

import pytest

from local_tree import LocalTree, function, pool
from telemetry_tail import Tail
from tree import until

MORE = """
telemetry: {slow_request_us: 200000}
rate_limiter:
  cleanup_interval_ms: 1000
  api_limits:
    - {service: local, request_type: count, key: x, max_requests: 1, window_ms: 60000}
"""


@pytest.fixture(scope="module")
def tree():
    more = [function("refused", {}, check_permission="any_authenticated"),
            function("fail_again", {}, retry=2,
                     mfa={"module": "m", "function": "fail", "args": ["x"]})]
    with LocalTree([pool(size=1, circuit_breaker_threshold=2,
                         circuit_breaker_cooldown_ms=300)], more,
                   rules="max_queue_size: 2",
                   supervisor="restarts: 1000, rest_first_ms: 1, rest_cap_ms: 5",
                   top=MORE) as shared:
        shared.until_ready_runners(1)
        yield shared


@pytest.fixture()
def tail(tree):
    with Tail(tree) as following:
        yield following


@pytest.fixture()
def client(tree):
    return tree.client()


def fields_of(tree, name):
    rows = tree.banyan("telemetry", "events", "--match", name)["events"]
    return set(rows[0]["measurements"]), set(rows[0]["metadata"])


def test_a_call_is_told_at_its_start_and_at_its_end(tree, client, tail):
    assert tree.ask(client, "echo", request_id="t-1", x=1)["success"]
    start = tail.event("executor.request.start", request_id="t-1")
    assert start["measurements"]["system_time"] > 1.6e18
    stop = tail.event("executor.request.stop", request_id="t-1")
    measurements, metadata = fields_of(tree, "executor.request.stop")
    assert set(stop["measurements"]) == measurements
    assert set(stop["metadata"]) == metadata
    assert stop["metadata"]["success"] is True and stop["metadata"]["async"] is False
    assert stop["process"].startswith("gateway") and stop["metadata"]["service"] == "local"
    task = tail.event("worker_pool.task.start", command="local.echo")
    assert task["metadata"]["pool_name"] == "default"
    tail.event("worker_pool.task.stop", command="local.echo")
    tail.event("request.executed", command="local.echo", success=True)
    tail.event("pool.call.dispatched", command="local.echo", queued=False)


def test_a_failed_call_is_an_exception_and_stops_once(tree, client, tail):
    tree.ask(client, "fail", request_id="t-2", x="broken")
    got = tail.event("executor.request.exception", request_id="t-2")
    assert got["metadata"]["kind"] == "error" and got["metadata"]["reason"] == "internal"
    tail.event("worker_pool.task.exception", command="local.fail", kind="error")
    tree.ask(client, "nobody", request_id="t-3")
    tail.event("executor.request.exception", request_id="t-3", reason="not_found")
    stops = [r for r in tail.seen if r["event"] == "executor.request.stop"
             and r["metadata"]["request_id"] in ("t-2", "t-3")]
    assert len(stops) <= 2
    assert all(r["metadata"]["success"] is False for r in stops)


def test_a_correlation_id_is_kept_or_made(tree, client, tail):
    client.call({"service": "local", "request_type": "echo", "request_id": "t-4",
                 "correlation_id": "order-77", "args": {"x": 1}},
                join_ref=client.join_ref)
    for event in ("executor.request.start", "executor.request.stop"):
        tail.event(event, request_id="t-4", correlation_id="order-77")
    tree.ask(client, "echo", request_id="t-5", x=1)
    made = tail.event("executor.request.start", request_id="t-5")["metadata"]["correlation_id"]
    assert re.fullmatch("bn-[0-9a-f]{24}", made)
    tail.event("executor.request.stop", request_id="t-5", correlation_id=made)


def correlated(client, request_id, correlation_id, **fields):
    return client.call({"service": "local", "request_type": "echo",
                        "request_id": request_id, "args": {"x": 1},
                        "correlation_id": correlation_id, **fields},
                       join_ref=client.join_ref)[0]


def test_a_correlation_id_is_told_unchanged_or_refused(tree, client, tail):
    longest = "order 7=ä " + "x" * 53
    assert len(longest.encode()) == 64
    assert correlated(client, "t-50", longest)["success"]
    for event in ("executor.request.start", "executor.request.stop"):
        tail.event(event, request_id="t-50", correlation_id=longest)
    # whatever else a record has no room for
    many = "r" * 200
    correlated(client, many, longest, request_type="f" * 60)
    tail.event("executor.request.exception", correlation_id=longest, reason="not_found")
    for wrong in (longest + "y", 'a"b', "a\nb"):
        answer = correlated(client, "t-51", wrong)
        assert answer["code"] == "invalid_payload" and "correlation_id" in answer["error"]
        assert answer["request_id"] == "t-51"
    assert correlated(client, "t-52", "")["success"]
    made = tail.event("executor.request.stop", request_id="t-52")
    assert made["metadata"]["correlation_id"].startswith("bn-")
    tree.ask(client, "sleep", request_id="t-53", x=400)
    until(lambda: f'request_id=t-53' in tree.log(), 10, "the slow call is logged")
    line = next(x for x in tree.log().splitlines() if "request_id=t-53" in x)
    assert re.search("correlation_id=bn-[0-9a-f]{24}", line)


def test_a_slow_call_is_warned_of_by_name_and_duration(tree, client, tail):
    tree.ask(client, "sleep", request_id="t-6", x=400)
    got = tail.event("executor.request.slow", request_id="t-6", request_type="sleep")
    assert got["measurements"]["duration_us"] > got["measurements"]["limit_us"] == 200000
    assert "warn gateway/1" in tree.log() and "request_slow duration_us=" in tree.log()


def test_limits_are_told_as_checked_exceeded_and_swept(tree, client, tail):
    tree.ask(client, "count", request_id="t-7", x="a")
    tail.event("rate_limiter.check", request_id="t-7", result="ok")
    tree.ask(client, "count", request_id="t-8", x="a")
    tail.event("rate_limiter.check", request_id="t-8", result="rate_limited")
    got = tail.event("rate_limiter.exceeded", request_id="t-8")
    assert got["metadata"]["key"] == "x" and got["metadata"]["scope"] == "api"
    assert got["metadata"]["max_requests"] == 1
    assert got["measurements"]["retry_after_ms"] > 0
    swept = tail.event("rate_limiter.cleanup")
    assert swept["metadata"]["api_limits_count"] == 1
    assert set(swept["measurements"]) == {"duration_us", "cleaned_entries"}


def test_permission_and_retries_are_told(tree, client, tail):
    tree.ask(client, "refused", request_id="t-9")
    tail.event("executor.permission.denied", request_type="refused")
    tree.ask(client, "fail_again", request_id="t-10")
    got = tail.event("executor.retry", request_id="t-10")
    assert got["metadata"]["type"] == "local" and got["measurements"]["backoff_ms"] >= 0
    tail.event("executor.retry.exhausted", last_error="answered")


def test_a_stream_is_told_from_start_to_stop(tree, client, tail):
    tree.call("local", "parts", {"x": 3})
    tail.event("stream.start", request_type="parts")
    tail.event("stream.stop", request_type="parts", success=True)


def test_a_full_pool_and_an_open_breaker_are_told(tree, client, tail):
    other = tree.client()
    for n in range(6):
        other.start_call({"service": "local", "request_type": "sleep", "request_id": f"q{n}",
                     "args": {"x": 300}}, join_ref=other.join_ref)
    tail.event("worker_pool.task.queued", command="local.sleep")
    tail.event("pool.queue.enqueued", command="local.sleep")
    tail.event("pool.rejected", reason="queue_full")
    tail.event("pool.saturated")
    until(lambda: tree.ask(client, "echo", x=1).get("success"), 20, "the queue is empty")
    until(lambda: tree.ask(client, "die")["code"] != "dispatched_unknown", 20,
          "its runners are dead")
    opened = tail.event("worker_pool.circuit_breaker.open", pool_name="default")
    assert opened["metadata"]["consecutive_failures"] >= 2
    until(lambda: tree.ask(client, "echo", x=1).get("success"), 20, "a trial went well")
    tail.event("worker_pool.circuit_breaker.close")


def test_what_changes_the_functions_is_told(tree, tail):
    import json
    made = json.dumps({"service": "made", "request_type": "f", "nodes": ["n"],
                       "version": "1.0.0",
                       "mfa": {"module": "m", "function": "f", "args": []}})
    named = {"service": "made", "request_type": "f", "version": "1.0.0"}
    tree.banyan("functions", "add", made)
    tail.event("config.add", **named)
    for verb in ("disable", "enable", "delete"):
        tree.banyan("functions", verb, "made", "f", "--version", "1.0.0")
        tail.event(f"config.{verb}", **named)


def test_a_capacity_that_is_reached_is_told_and_whether_it_cost_a_call():
    two = {"name": "default", "worker_profile": "thread", "pool_size": 1,
           "threads_per_worker": 2, "adapter": "python",
           "modules": ["time"]}
    with LocalTree([two], [function("nap", {"s": "num"}, mfa={
            "module": "time", "function": "sleep", "args": []})],
            rules="max_queue_size: 0") as tree:
        tree.until_ready_runners(1)
        client = tree.client()
        with Tail(tree, "--match", "pool.capacity") as tail:
            for n in range(3):  # both places stay taken
                client.start_call(
                    {"service": "local", "request_type": "nap",
                     "request_id": f"c{n}", "args": {"s": 2}},
                    join_ref=client.join_ref)
            tail.event("pool.capacity_reached", rejected=False)
            tail.event("pool.capacity_reached", rejected=True)


def test_heartbeats_are_told_with_their_worker_and_their_time(tree, tail):
    for name in ("heartbeat.ping_sent", "heartbeat.pong_received"):
        beat = tail.event(name, worker_id="default/1")
        measurements, metadata = fields_of(tree, name)
        assert set(beat["measurements"]) == measurements
        assert set(beat["metadata"]) == metadata
        assert beat["measurements"]["missed_heartbeats"] == 0
        assert beat["metadata"]["worker_pid"] == \
            tree.runners()["default/1"]
    assert "latency_ms" in measurements


def test_a_recycled_worker_is_told_with_every_field(tree, tail):
    tree.banyan("pools", "recycle", "default", "1")
    for name in ("worker.recycled", "pool.worker.terminated",
                 "pool.worker.spawned"):
        told = tail.event(name, worker_id="default/1")
        measurements, metadata = fields_of(tree, name)
        assert set(told["measurements"]) == measurements
        assert set(told["metadata"]) == metadata
    assert tail.event("worker.recycled")["measurements"]["count"] == 1
    tree.until_ready_runners(1)
