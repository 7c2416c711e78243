"""What is told of events: attached, published, signed, sampled."""
import json
import signal

import pytest

from control_wire import Control
from telemetry_tail import Tail, attached
from tree import Tree, until

SETTINGS = """\
node: test
gateway:
  port: 0
  channels:
    - {topic: "api:*", event: api, require_verified_user_id: false}
auth: {mode: none}
supervisor: {restarts: 1000, rest_first_ms: 1, rest_cap_ms: 5}
telemetry:
  attach: [config.add]
  bus: {secret: "a secret of this tree"}
"""


@pytest.fixture(scope="module")
def tree():
    with Tree(SETTINGS, service=False) as shared:
        yield shared


@pytest.fixture()
def secret(tree):
    path = tree.home / "secret"
    path.write_text("a secret of this tree\n")
    return path


def test_events_lists_every_event_with_its_category_and_fields(tree):
    events = {e["event"]: e for e in tree.banyan("telemetry", "events")["events"]}
    assert len(events) >= 31
    stop = events["executor.request.stop"]
    assert stop["category"] == "executor"
    assert stop["measurements"] == ["duration_us"]
    assert {"request_id", "request_type", "service", "user_id", "success",
            "async"} <= set(stop["metadata"])
    assert events["config.add"]["attached"] and not stop["attached"]
    only = tree.banyan("telemetry", "events", "--category", "hooks")["events"]
    assert {e["event"] for e in only} >= {"hook.before.start", "hook.after.stop"}


def test_tail_prints_json_lines_and_is_forgotten_when_it_ends(tree, secret):
    with Tail(tree, "--match", "process.command", "--secret-file", secret) as tail:
        assert len(attached(tree, "tail-")) == 1
        tree.banyan("services", "list")
        got = tail.event("process.command", op="services.list")
        assert got["process"] == "puller" and got["time"] > 1.6e9
        assert got["hmac"] and got["measurements"] == {}
    until(lambda: not attached(tree, "tail-"), 5, "the lease is over")


def test_a_tail_that_is_killed_is_forgotten_within_seconds(tree):
    tail = Tail(tree, "--category", "process")
    tail.end(signal.SIGKILL)
    until(lambda: not attached(tree, "tail-"), 15, "the lease has run out")
    events = tree.banyan("telemetry", "events", "--match", "process.command")
    assert not events["events"][0]["attached"]


def test_attachments_have_names_of_their_own_and_an_end(tree):
    tree.banyan("telemetry", "attach", "night", "--category", "config,relay")
    again = tree.run_banyan("telemetry", "attach", "night", "--match", "pool")
    assert again.returncode == 1 and "attached already" in again.stderr
    tree.banyan("telemetry", "attach", "short", "--event", "node.*", "--for", "1")
    assert {a["name"] for a in attached(tree, "")} >= {"night", "short"}
    until(lambda: not attached(tree, "short"), 10, "it has expired")
    tree.banyan("telemetry", "detach", "night")
    gone = tree.run_banyan("telemetry", "detach", "night")
    assert gone.returncode == 1 and "nobody named night" in gone.stderr
    wrong = tree.run_banyan("telemetry", "attach", "x", "--event", "config.ad")
    assert wrong.returncode == 64 and "telemetry events" in wrong.stderr


def test_a_flag_that_is_no_flag_is_refused(tree):
    control = Control(tree.run / "control.ipc")
    for op, args in (("telemetry.attach", {"match": "pool", "log": "yes"}),
                     ("telemetry.lease", {"match": "pool", "holder": 7, "end": 1})):
        reply = json.loads(control.ask(json.dumps(
            {"op": op, "args": {"name": "odd", **args}}).encode()))
        assert not reply["ok"] and reply["error"]["class"] == "invalid"
        assert "true or false" in reply["error"]["message"]
    control.close()
    assert not attached(tree, "odd")


def test_the_default_logger_writes_lines(tree):
    tree.banyan("telemetry", "attach", "logger", "--match", "process.command", "--log")
    tree.banyan("failed", "count")
    until(lambda: "event=process.command process=config_db op=failed.count" in tree.log(),
          10, "the line is written")
    tree.banyan("telemetry", "detach", "logger")


def test_a_wrong_secret_is_told_and_an_unsigned_message_refused(tree, secret):
    with Tail(tree, "telemetry/config.add", "--secret-file", secret, noun="bus") as tail:
        add(tree, "a")
        got = tail.read_until(lambda r: r["topic"] == "telemetry/config.add")
        assert got["signature"] == "ok"
    wrong = tree.home / "wrong"
    wrong.write_text("another")
    with Tail(tree, "telemetry/", "--secret-file", wrong, noun="bus") as tail:
        add(tree, "b")
        got = tail.read_until(lambda r: r["topic"] == "telemetry/config.add")
        assert got == {"topic": "telemetry/config.add", "signature": "invalid_signature"}
    with Tail(tree, "telemetry/", noun="bus") as tail:
        add(tree, "c")
        got = tail.read_until(lambda r: r["topic"] == "telemetry/config.add")
        assert got["signature"] == "unverified"


def test_a_disabled_bus_publishes_nothing_and_nothing_fails(tree):
    assert tree.banyan("bus", "disable")["publishes"] is False
    before = tree.banyan("bus", "status")["published"]
    add(tree, "d")
    tree.kill("relay")
    tree.until_whole()
    assert tree.banyan("bus", "status")["published"] == before
    assert tree.banyan("bus", "enable")["publishes"] is True


def test_the_life_of_every_process_is_told_with_reason_and_restarts(tree, secret):
    with Tail(tree, "lifecycle", "--secret-file", secret, noun="bus") as tail:
        tree.kill("puller")
        died = tail.read_until(lambda r: r["record"]["name"] == "puller"
                               and r["record"]["event"] == "crashed")["record"]
        assert died["reason"] == "signal" and died["message"] == "process_lifecycle_event"
        back = tail.read_until(lambda r: r["record"]["name"] == "puller"
                               and r["record"]["event"] == "restarted")["record"]
        assert back["restart_count"] >= 1 and back["node"] == "test"
        tree.banyan("restart", "puller")
        stopped = tail.read_until(lambda r: r["record"]["name"] == "puller"
                                  and r["record"]["event"] == "stopped")["record"]
        assert stopped["reason"]


def test_control_switches_samples_and_denies(tree):
    try:
        tree.banyan("telemetry", "attach", "all")
        got = tree.banyan("telemetry", "control", "--sampling", "0.1",
                          "--pattern", "process.command")
        assert got["sampling"] == 0.1 and got["sampled_events"] == 2
        with Tail(tree, "--event", "process.command") as tail:
            for _ in range(100):
                tree.banyan("failed", "count")
            until(lambda: tree.banyan("telemetry", "status")["withheld"] >= 150, 10,
                  "nine of ten are held back")
            tail.end()
        seen = [r for r in tail.seen if r["metadata"].get("op") == "failed.count"]
        assert 4 <= len(seen) <= 50  # of 200: control and config_db each
        tree.banyan("telemetry", "control", "--sampling", "1", "--deny", "process.command")
        one = tree.banyan("telemetry", "events", "--match", "process.command")["events"][0]
        assert not one["attached"]
        off = tree.banyan("telemetry", "control", "--toggle", "off")
        assert off["enabled"] is False and off["recorded_events"] == 0
        wrong = tree.run_banyan("telemetry", "control", "--sampling", "2")
        assert wrong.returncode == 64
    finally:
        tree.banyan("telemetry", "control", "--toggle", "on", "--allow", "*")
        tree.banyan("telemetry", "detach", "all")


def test_rates_are_exact_though_nobody_is_attached(tree):
    def total():
        rows = tree.banyan("telemetry", "events", "--match", "process.command")["events"]
        return next(e for e in rows if e["event"] == "process.command")["total"]
    before = total()
    for _ in range(20):
        tree.banyan("failed", "count")
    # control and config_db each answer; the last two looks count themselves
    assert total() - before >= 40


def test_a_monitor_that_was_killed_goes_on_where_it_was(tree):
    tree.banyan("telemetry", "attach", "kept", "--match", "config.", "--for", "600")
    with Tail(tree, "--match", "config.") as tail:
        add(tree, "e")
        tail.event("config.add", request_type="e")
        tree.kill("monitor")
        add(tree, "f")
        tail.event("config.add", request_type="f")
        tree.until_whole()
        add(tree, "g")
        tail.event("config.add", request_type="g")
        tail.end()
    assert attached(tree, "kept")
    adds = [r["metadata"]["request_type"] for r in tail.seen
            if r["event"] == "config.add"]
    assert adds == ["e", "f", "g"]
    tree.banyan("telemetry", "detach", "kept")


def add(tree, name):
    """Adds a function: one event config.add."""
    import json
    tree.banyan("functions", "update", json.dumps(
        {"service": "made", "request_type": name, "nodes": ["n"],
         "mfa": {"module": "m", "function": "f", "args": []}}))
