"""The thirty events of the contract: each caused on a running tree, and held
against the fields that are promised for it and those of its row."""
import json
import pathlib

import pytest

from local_tree import LocalTree, function, pool
from telemetry_tail import Tail
from tree import until

HERE = pathlib.Path(__file__).resolve().parent
WHO = "request_id request_type service user_id"
HOOK = "module function type"
CONFIG = "service request_type version"
# name: (measurements, metadata)
THIRTY = {
    "executor.request.start": ("system_time", WHO),
    "executor.request.stop": ("duration_us", WHO + " success async"),
    "executor.request.exception": ("duration_us", WHO + " kind reason stacktrace"),
    "executor.retry": ("attempt backoff_ms", "mode type"),
    "executor.retry.exhausted": ("", "request_id mode last_error"),
    "rate_limiter.check": (
        "duration_us", "request_id user_id instance service request_type result"),
    "rate_limiter.exceeded": (
        "retry_after_ms",
        "key scope max_requests current_requests request_id user_id"),
    "rate_limiter.reset": ("", "key scope rate_limit_key"),
    "rate_limiter.cleanup": (
        "duration_us cleaned_entries", "global_limits_count api_limits_count"),
    "hook.before.start": ("system_time", HOOK),
    "hook.before.stop": ("duration_us", HOOK),
    "hook.before.exception": ("duration_us", HOOK + " kind reason stacktrace"),
    "hook.after.start": ("system_time", HOOK),
    "hook.after.stop": ("duration_us", HOOK),
    "hook.after.exception": ("duration_us", HOOK + " kind reason stacktrace"),
    "worker_pool.task.start": ("system_time", "pool_name"),
    "worker_pool.task.stop": ("duration_us", "pool_name"),
    "worker_pool.task.exception": ("duration_us", "pool_name kind reason stacktrace"),
    "worker_pool.task.rejected": ("system_time", "pool_name reason"),
    "worker_pool.circuit_breaker.open": ("", "pool_name consecutive_failures"),
    "worker_pool.circuit_breaker.close": ("", "pool_name"),
    "config.pull.start": ("system_time", "service"),
    "config.pull.stop": ("duration_us count", "service version"),
    "config.push": ("count", "service version"),
    "config.add": ("", CONFIG),
    "config.batch_add": ("count", "service"),
    "config.delete": ("", CONFIG),
    "config.clear": ("", CONFIG),
    "config.disable": ("", CONFIG),
    "config.enable": ("", CONFIG),
}
TOP = """
rate_limiter:
  cleanup_interval_ms: 500
  api_limits:
    - {service: local, request_type: count, key: x, max_requests: 1, window_ms: 60000}
security: {admin_actions: [update_rate_limit_config]}
hooks:
  - {name: before, module: hook_module, function: before, pool: hooks}
  - {name: after, module: hook_module, function: after, pool: hooks}
nodes:
  - {name: user_service_1, url: "ipc://${runtime_dir}/services/user_service.ipc"}
services:
  - {service: user_service, nodes: [user_service_1]}
"""
ANY = {"type": "any", "allow_nil": True}
HOOKED = {"service": "local", "request_type": "hooked", "nodes": "local",
          "pool": "hooks", "mfa": ["hook_module", "echo", []],
          "arg_types": {"before": ANY, "after": ANY, "say": ANY, "n": ANY},
          "check_permission": False, "before_execute": "before",
          "after_execute": "after"}
FAR = {"service": "user_service", "request_type": "far",
       "nodes": ["user_service_1"], "retry": 1, "check_permission": False,
       "mfa": ["user_service", "nobody_home", []]}


@pytest.fixture(scope="module")
def tree():
    hooks = {"name": "hooks", "worker_profile": "process", "pool_size": 1,
             "adapter": "python", "modules": ["hook_module"],
             "python_path": str(HERE), "startup_batch_delay_ms": 10}
    one = pool(size=1, circuit_breaker_threshold=2,
               circuit_breaker_cooldown_ms=1000)
    more = [HOOKED, FAR, function("fail_again", {}, retry=1, mfa={
        "module": "m", "function": "fail", "args": ["x"]})]
    with LocalTree([one, hooks], more, rules="quarantine_ms: 0", top=TOP,
                   supervisor="restarts: 1000, rest_first_ms: 1, "
                   "rest_cap_ms: 5") as shared:
        shared.until_ready_runners(2)
        shared.start_service()
        yield shared


@pytest.fixture(scope="module")
def tail(tree):
    with Tail(tree, "--category",
              "executor,rate_limiter,hooks,worker_pool,config") as following:
        yield following


def check(tree, tail, name, **metadata):
    """The event came, with what is promised and nothing its row lacks."""
    got = tail.event(name, **metadata)
    measurements, fields = (set(words.split()) for words in THIRTY[name])
    row = tree.banyan("telemetry", "events", "--match", name)["events"]
    row = next(r for r in row if r["event"] == name)
    assert set(got["measurements"]) == measurements, got
    assert all(isinstance(v, (int, float)) for v in got["measurements"].values())
    assert fields <= set(got["metadata"]), got
    assert set(got["metadata"]) <= set(row["metadata"]), got
    assert measurements <= set(row["measurements"]) and fields <= set(row["metadata"])
    return got


def test_those_of_a_call(tree, tail):
    client = tree.client()
    tree.ask(client, "echo", request_id="t-1", x=1)
    assert check(tree, tail, "executor.request.start", request_id="t-1")[
        "measurements"]["system_time"] > 1.6e18
    check(tree, tail, "executor.request.stop", request_id="t-1", success=True)
    check(tree, tail, "worker_pool.task.start")
    check(tree, tail, "worker_pool.task.stop")
    tree.ask(client, "fail_again", request_id="t-2")
    check(tree, tail, "executor.request.exception", request_id="t-2", kind="error")
    check(tree, tail, "executor.retry", request_id="t-2", type="local")
    check(tree, tail, "executor.retry.exhausted", request_id="t-2")
    check(tree, tail, "worker_pool.task.exception")


def test_a_remote_retry_names_its_nodes(tree, tail):
    tree.call("user_service", "far", {})
    got = check(tree, tail, "executor.retry", type="remote")
    assert got["metadata"]["nodes"] == 1


def test_those_of_a_limit(tree, tail):
    client = tree.client()
    for n in range(2):
        tree.ask(client, "count", request_id=f"l-{n}", x="a")
    check(tree, tail, "rate_limiter.check", request_id="l-0", result="ok")
    check(tree, tail, "rate_limiter.check", request_id="l-1", result="rate_limited")
    check(tree, tail, "rate_limiter.exceeded", request_id="l-1", key="x")
    check(tree, tail, "rate_limiter.cleanup")
    tree.banyan("limits", "reset", "a")
    check(tree, tail, "rate_limiter.reset", key="a", rate_limit_key="x")


def test_those_of_hooks(tree, tail):
    client = tree.client()
    tree.ask(client, "hooked", request_id="h-1", say="x")
    tree.ask(client, "hooked", request_id="h-2", before="raise")
    tree.ask(client, "hooked", request_id="h-3", after="raise")
    for kind, failing in (("before", "h-2"), ("after", "h-3")):
        for what in ("start", "stop"):
            got = check(tree, tail, f"hook.{kind}.{what}", request_id="h-1")
            assert got["metadata"]["type"] == kind
            assert got["metadata"]["module"] == "hook_module"
        got = check(tree, tail, f"hook.{kind}.exception", request_id=failing)
        assert got["metadata"]["kind"] == "error" and got["metadata"]["type"] == kind


def test_those_of_a_breaker(tree, tail):
    client = tree.client()
    until(lambda: tree.ask(client, "die").get("code") == "unavailable", 20,
          "the breaker is open")
    check(tree, tail, "worker_pool.circuit_breaker.open", pool_name="default")
    check(tree, tail, "worker_pool.task.rejected", pool_name="default",
          reason="circuit_open")
    until(lambda: tree.ask(client, "echo", x=1).get("success"), 20, "a trial went well")
    check(tree, tail, "worker_pool.circuit_breaker.close", pool_name="default")


def test_those_of_configs(tree, tail):
    def pulled():
        tree.banyan("services", "force-pull")
        return tree.banyan_ok("functions", "show", "user_service", "get_user")
    until(pulled, 20, "the service is pulled")
    tree.banyan("services", "force-pull")
    check(tree, tail, "config.pull.start", service="user_service")
    got = check(tree, tail, "config.pull.stop", service="user_service",
                result="fetched")
    assert got["measurements"]["count"] > 1
    check(tree, tail, "config.batch_add", service="user_service")
    named = {"service": "made", "request_type": "f", "version": "1.0.0"}
    tree.banyan("functions", "add", json.dumps({
        **named, "nodes": ["n"],
        "mfa": {"module": "m", "function": "f", "args": []}}))
    check(tree, tail, "config.add", **named)
    for verb in ("disable", "enable", "delete"):
        tree.banyan("functions", verb, "made", "f", "--version", "1.0.0")
        check(tree, tail, f"config.{verb}", **named)
    tree.banyan("functions", "clear")
    check(tree, tail, "config.clear", service="all", request_type="all",
          version="all")


def test_all_thirty_came_but_the_one_that_waits_for_the_receiver(tree, tail):
    events = {e["event"]: e for e in tree.banyan("telemetry", "events")["events"]}
    assert len(THIRTY) == 30 and set(THIRTY) <= set(events)
    # nobody pushes yet: its emitter is in config_db, for the source `push`
    assert {name for name in THIRTY if events[name]["total"] == 0} == {"config.push"}
