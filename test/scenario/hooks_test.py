"""Hooks before and after a call, and encoders of results, over the wire."""
import json
import os
import pathlib
import signal

import pytest

from gateway_tree import GatewayTree, request
from tree import descendants, until

HERE = pathlib.Path(__file__).resolve().parent
POOLS = json.dumps({"stuck_ms": 200, "list": [{
    "name": name, "worker_profile": "process", "pool_size": 1,
    "adapter": "python", "modules": ["hook_module"],
    "python_path": str(HERE), "startup_batch_delay_ms": 10}
    for name in ("default", "mine")]})
HOOKS = [{"name": name, "module": "hook_module", "function": name,
          "pool": "mine"} for name in ("before", "after", "encode")] + [
    {"name": "lacking", "module": "hook_module", "function": "lacking"}]
LIMITS = ("{api_limits: [{service: test, request_type: limited, "
          "key: ip_address, max_requests: 1, window_ms: 60000}]}")
MORE = (f"pools: {POOLS}\nhooks: {json.dumps(HOOKS)}\n"
        f"rate_limiter: {LIMITS}\nlog: {{level: debug}}")
SAY = {name: {"type": "any", "allow_nil": True}
       for name in ("before", "after", "say", "n")}


def hooked(name, function="echo", **fields):
    return {"request_type": name, "function": function, "arg_types": SAY,
            "arg_orders": "map", "before_execute": "before",
            "after_execute": "after", **fields}


def seen(name, function, **fields):
    return {"request_type": name, "nodes": "local", "pool": "mine",
            "mfa": ["hook_module", function, []],
            "arg_types": {"kind": "string"}, **fields}


FUNCTIONS = [
    hooked("both"),
    hooked("quick", hook_timeout=300),
    hooked("shown", before_execute=None, hook_timeout=300),
    hooked("extras", before_execute={"hook": "before", "args": ["x", 7]},
           after_execute=["hook_module", "after", [None]]),
    hooked("denied", check_permission={"role": ["admin"]}),
    hooked("mine", check_permission={"arg": "say"}),
    hooked("limited"),
    hooked("typed", arg_types={**SAY, "say": "num"}),
    hooked("lost", nodes=["gone"]),
    hooked("later", response_type="async"),
    hooked("told", response_type="none"),
    hooked("parts", "count", response_type="stream",
           arg_orders=["n", "say", "before", "after"]),
    hooked("failing", "fail", arg_orders=["say", "n", "before", "after"]),
    hooked("never", "never", timeout=60000),
    hooked("lacking", before_execute=None, after_execute="lacking"),
    hooked("encoded", before_execute=None, after_execute=None,
           result_encoder={"hook": "encode", "args": ["me"]},
           arg_types={"say": "any"}, arg_orders=[], hook_timeout=300),
    hooked("all", result_encoder="encode"),
    seen("guarded", "echo", permission_callback=["hook_module", "may"],
         before_execute="before", after_execute="after", retry=1,
         arg_types={"may": "string", **SAY}),
    seen("last", "last"), seen("count", "count"),
    seen("forget", "forget", arg_types=None),
    {"request_type": "plain", "function": "echo",
     "arg_types": {"say": "any"}},
]


class HookTree(GatewayTree):
    def __init__(self, **how):
        how.setdefault("more", MORE)
        how.setdefault("functions", FUNCTIONS)
        how.setdefault("nodes", ("one",))
        super().__init__(**how)
        until(lambda: self.node("local").get("state") == "live", 20, "pools")
        with self.joined() as client:
            until(lambda: ask(client, "count", kind="after")["success"], 20,
                  "the pool answers")

    def runner_of(self, pool):
        """The process of the pool's one runner."""
        return until(lambda: next((
            pid for pid in descendants(self.pid("worker_pool"))
            if f"BANYAN_RUNNER={pool}/1".encode() in
            pathlib.Path(f"/proc/{pid}/environ").read_bytes()), None), 10)


@pytest.fixture(scope="module", name="tree")
def started():
    with HookTree() as tree:
        yield tree


@pytest.fixture(name="client")
def joined(tree):
    with tree.joined() as client:
        ask(client, "forget")
        yield client


def ask(client, name, **args):
    push, reply = client.call(request(name, args))
    assert reply == {"status": "ok", "response": name}, (push, reply)
    return push


def last(client, kind="after"):
    return ask(client, "last", kind=kind)["result"]


def until_answers(client):
    """A runner that was busy, or was killed for it, is there again."""
    until(lambda: ask(client, "both", say="x")["success"], 20, "hooks run")


def error_of(push):
    assert push["success"] is False and push["result"] is None, push
    return push["code"], push["error"]


def test_a_before_hook_changes_the_request_for_all_that_follows(client):
    assert ask(client, "both", say="a")["result"][0]["say"] == "a"
    push = ask(client, "both", say="a", before="change")
    assert push["result"][0]["say"] == "changed"
    # the after hook is shown the request as it is now
    assert last(client)[0]["args"]["say"] == "changed"
    push = ask(client, "both", say="a", before="change both")
    assert push["result"][0]["say"] == "changed"
    # permission is asked after it, arguments are judged after it
    assert error_of(ask(client, "typed", say=1, before="change"))[0] == \
        "invalid_argument"
    ask(client, "both", say="a", before="device")
    assert last(client)[0]["device_id"] == "a device"


def test_it_cannot_say_who_calls_or_what_runs(client):
    push = ask(client, "both", say="a", before="usurp")
    assert push["result"][0]["say"] == "a"
    shown = last(client)[0]
    assert (shown["user_id"], shown["user_roles"]) == (None, [])
    assert (shown["service"], shown["request_type"]) == ("test", "both")
    assert error_of(ask(client, "denied", before="usurp")) == (
        "denied", "Permission denied")


def test_a_before_hook_rejects_with_its_reason(tree, client):
    before = tree.counter("hooks_rejected")
    assert error_of(ask(client, "both", before="reject")) == (
        "denied", 'hook rejected: "not \\"today\\""')
    assert error_of(ask(client, "both", before="reject map")) == (
        "denied", 'hook rejected: %{"why" => [1, nil]}')
    assert tree.counter("hooks_rejected") == before + 2


def test_a_before_hook_that_fails_rejects_and_keeps_its_words_inside(
        tree, client):
    push = ask(client, "both", before="raise")
    assert error_of(push) == ("internal", 'hook rejected: "hook failed"')
    assert push["can_retry"] is False
    assert "secret inner words" in tree.log()
    assert error_of(ask(client, "both", before="parts")) == (
        "internal", 'hook rejected: "hook failed"')
    assert error_of(ask(client, "both", before="broken")) == (
        "internal", 'hook rejected: "hook gave no answer of its kind"')


def test_what_it_answers_else_leaves_the_call_alone(client):
    for word in ("odd", None, "whatever"):
        assert ask(client, "both", before=word, say="a")["success"], word


def test_arguments_it_invents_are_judged_like_a_clients(client):
    assert error_of(ask(client, "both", before="flood"))[0] in (
        "invalid_argument", "internal")
    assert ask(client, "both", say="a")["success"]


def test_hook_timeout_holds_for_each_function(tree, client):
    before = tree.counter("hooks_timed_out")
    assert error_of(ask(client, "quick", before="slow")) == (
        "expired", 'hook rejected: "hook timed out after 300ms"')
    # the after hook that was to see the rejection found its runner taken
    assert tree.counter("hooks_timed_out") >= before + 1
    until_answers(client)


def test_extra_arguments_are_appended(client):
    ask(client, "extras", say="a")
    question = last(client, "before")
    assert len(question) == 4 and question[2:] == ["x", 7]
    assert question[0] == {
        "request_id": "r1", "service": "test", "request_type": "extras",
        "version": None, "user_id": None, "user_roles": [],
        "device_id": None, "args": {"say": "a"}}
    assert question[1]["request_type"] == "extras"
    assert question[1]["before_execute"] == {
        "hook": "before", "args": ["x", 7]}
    question = last(client)
    assert len(question) == 4 and question[3] is None
    assert question[2] == {
        "request_id": "r1", "result": question[2]["result"],
        "success": True, "error": None, "async": False, "has_more": False,
        "can_retry": False}


def test_an_after_hook_replaces_the_response(tree, client):
    before = tree.counter("hooks_replaced")
    push = ask(client, "both", after="replace")
    assert push["result"]["was"]["success"] is True
    assert error_of(ask(client, "both", after="spoil")) == (
        "quarantined", "spoilt")
    # an error can become a success as well
    push = ask(client, "failing", say="x", after="replace")
    assert push["result"]["was"]["code"] == "internal"
    assert tree.counter("hooks_replaced") == before + 3
    assert ask(client, "both", after="same", say=1)["result"][0]["say"] == 1
    assert tree.counter("hooks_replaced") == before + 3


def test_an_after_hook_that_fails_keeps_the_response(tree, client):
    before = tree.counter("hooks_failed")
    for word in ("raise", "odd", "parts"):
        assert ask(client, "both", after=word)["success"], word
    assert tree.counter("hooks_failed") == before + 3
    assert ask(client, "lacking", say=1)["result"][0]["say"] == 1
    # what JSON has no words for is an error, and told once
    assert error_of(ask(client, "both", after="ugly"))[0] == "bad_result"


def test_an_after_hook_that_is_too_slow_keeps_the_response(client):
    assert ask(client, "quick", after="slow", say=2)["result"][0]["say"] == 2
    until_answers(client)


def test_hooks_whose_runner_dies_end_their_call_once(client):
    assert error_of(ask(client, "both", before="die", say="once")) == (
        "internal", 'hook rejected: "hook was lost with its runner"')
    until_answers(client)
    assert ask(client, "both", after="die", say=4)["result"][0]["say"] == 4
    until_answers(client)


def test_after_runs_on_denial_limit_rejection_and_every_error(client):
    def told(name, code, text=None, **args):
        ask(client, "forget")
        push = ask(client, name, **args)
        assert error_of(push)[0] == code
        assert text is None or push["error"] == text
        response = last(client)[2]
        assert (response["code"], response["error"]) == error_of(push)
        assert response["can_retry"] == push["can_retry"]
        push = ask(client, name, **{**args, "after": "replace"})
        assert push["success"], push

    told("denied", "denied", "Permission denied")
    told("mine", "denied", "Permission denied", say="nobody")
    assert ask(client, "limited")["success"]
    told("limited", "rate_limited")
    told("both", "denied", 'hook rejected: "not \\"today\\""',
         before="reject")
    told("typed", "invalid_argument", say="no number")
    told("lost", "not_dispatched")
    told("failing", "internal", "Internal Server Error", say="x")


def hear(client, count):
    pushes = []
    while len(pushes) < count:
        message = client.hear()
        if message[3] == "api":
            pushes.append(message[4])
    return pushes


def test_after_runs_on_the_final_answer_of_an_async_call(client):
    client.start_call(request("later", {"after": "replace", "say": 1}))
    taken, final = hear(client, 2)
    assert taken["async"] is True and taken["result"] is None
    assert final["async"] is False
    assert final["result"]["was"]["result"][0]["say"] == 1
    assert ask(client, "count", kind="after")["result"] == 1
    client.start_call(request("later", {"before": "reject"}))
    assert hear(client, 1)[0]["code"] == "denied"


def test_after_runs_on_the_end_of_a_stream(client):
    client.start_call(request("parts", {"n": 2, "after": "spoil"}))
    heard = hear(client, 1)
    while heard[-1]["has_more"]:
        heard += hear(client, 1)
    assert heard[0]["result"] == "init"
    assert heard[-1]["error"] == "spoilt"
    assert ask(client, "count", kind="after")["result"] == 1


def test_after_is_shown_what_became_of_a_call_of_kind_none(client):
    client.start_call(request("told", {"say": "a"}))
    message = client.hear()
    assert message[3:] == ["phx_reply",
                           {"status": "ok", "response": "told"}]
    until(lambda: ask(client, "count", kind="after")["result"] == 1, 10)
    assert last(client)[2]["result"][0]["say"] == "a"


def test_an_encoder_makes_the_result(client):
    assert ask(client, "encoded", say=[1])["result"] == {
        "encoded": [[1]], "by": ["me"]}
    assert error_of(ask(client, "encoded", say="raise")) == (
        "bad_result", 'result encoding failed: "hook failed"')
    assert error_of(ask(client, "encoded", say="slow")) == (
        "bad_result", 'result encoding failed: "timed out after 300ms"')
    until_answers(client)
    assert error_of(ask(client, "encoded", say="error")) == (
        "internal", "Internal Server Error")


def test_an_encoder_sees_results_only_and_the_after_hook_its_work(client):
    push = ask(client, "all", say="a", after="replace")
    assert push["result"]["was"]["result"]["encoded"][0]["say"] == "a"
    ask(client, "forget")
    ask(client, "all", before="reject")
    assert ask(client, "count", kind="encode")["result"] == 0
    assert ask(client, "count", kind="after")["result"] == 1


def test_hooks_stand_around_a_permission_callback(client):
    assert ask(client, "guarded", may="yes", say=1)["result"]["say"] == 1
    assert ask(client, "guarded", may="yes", say=1, before="change")[
        "result"]["say"] == "changed"
    assert error_of(ask(client, "guarded", may="no")) == (
        "denied", "Permission denied")
    assert last(client)[2]["code"] == "denied"
    push = ask(client, "guarded", may="no", after="replace")
    assert push["result"]["was"]["error"] == "Permission denied"


def test_events_tell_start_stop_and_exception(tree, client):
    ask(client, "both", say="a")
    ask(client, "both", before="raise")
    ask(client, "both", after="raise")
    log = tree.log()
    for name in ("before_start", "before_stop", "before_exception",
                 "after_start", "after_stop", "after_exception"):
        line = next(l for l in log.splitlines() if f"hook_{name} " in l)
        kind = name.split("_")[0]
        assert f"module=hook_module function={kind} type={kind}" in line
        assert ("system_time=" if "start" in name else "duration_us=") in line
        assert (" kind=" in line and " reason=" in line) == (
            "exception" in name)


def test_a_caller_that_leaves_ends_its_call(tree):
    gone, asked = tree.counter("client_gone"), tree.counter("hooks_run")
    with tree.joined() as client:
        client.start_call(request("both", {"before": "slow"}))
        client.start_call(request("both", {"after": "slow"}))
        until(lambda: tree.counter("hooks_run") == asked + 2, 10, "asked")
    until(lambda: tree.counter("client_gone") == gone + 2, 10, "both ended")
    until(lambda: tree.counter("in_flight") == 0, 10, "nothing is left")
    with tree.joined() as client:
        until_answers(client)


def test_parked_calls_hold_up_nobody(tree, client):
    runner = tree.runner_of("mine")
    os.kill(runner, signal.SIGSTOP)
    try:
        for n in range(100):
            client.start_call(request("both", {"say": n},
                                      request_id=f"p{n}"))
        with tree.joined() as other:
            push, _ = other.call(request("plain", {"say": 1}))
            assert push["result"] == [1]
    finally:
        os.kill(runner, signal.SIGCONT)
    ids = [p["request_id"] for p in hear(client, 100)]
    assert sorted(ids) == sorted(f"p{n}" for n in range(100))


@pytest.fixture(name="fresh")
def alone():
    with HookTree(gateway="drain_timeout_ms: 200") as tree:
        yield tree


def test_without_its_pools_a_call_is_unavailable_and_may_be_repeated(fresh):
    with fresh.joined() as client:
        fresh.banyan("stop", "worker_pool")
        until(lambda: fresh.node("local").get("state") != "live", 10, "down")
        push = ask(client, "both", say=1)
        assert error_of(push) == (
            "unavailable", "Service temporarily unavailable")
        assert push["can_retry"] is True
        # the call has run: an after hook alone cannot undo that
        assert ask(client, "lacking", say=1)["result"][0]["say"] == 1
        assert error_of(ask(client, "encoded", say="x")) == (
            "bad_result", 'result encoding failed: "no runner took the hook"')
        fresh.banyan("start", "worker_pool")
        until_answers(client)


def test_pools_that_stand_still_hold_up_no_call_beyond_hook_timeout(fresh):
    with fresh.joined() as client:
        os.kill(fresh.pid("worker_pool"), signal.SIGSTOP)
        assert ask(client, "shown", say=1)["result"][0]["say"] == 1
        code, text = error_of(ask(client, "quick", say=1))
        assert (code, text) == ("expired", 'hook rejected: "hook timed out '
                                'after 300ms"') or code == "unavailable"
        assert 'kind=timeout reason="hook timed out"' in fresh.log()
        until_answers(client)  # it was replaced


def test_a_gateway_that_leaves_ends_calls_that_wait_for_hooks(fresh):
    asked = fresh.counter("hooks_run")
    with fresh.joined() as client:
        client.start_call(request("both", {"before": "slow"},
                                  request_id="before"))
        until(lambda: fresh.counter("hooks_run") == asked + 1, 10, "asked")
        client.start_call(request("later", {"say": 1, "after": "slow"},
                                  request_id="waits"))
        os.kill(fresh.runner_of("mine"), signal.SIGSTOP)
        assert fresh.run_banyan("restart", "gateway").returncode == 0
        ended = {p["request_id"]: p["code"] for p in hear(client, 2)}
    assert ended == {"before": "draining", "waits": "draining"}


def test_a_response_that_waits_for_its_hook_is_not_lost_with_the_gateway(
        fresh):
    asked = fresh.counter("hooks_run")
    with fresh.joined() as client:
        client.start_call(request("both", {"say": 1, "after": "slow"}))
        until(lambda: fresh.counter("hooks_run") == asked + 2, 10, "shown")
        assert fresh.run_banyan("restart", "gateway").returncode == 0
        assert hear(client, 1)[0]["result"][0]["say"] == 1


def test_a_hook_the_settings_take_back_makes_its_functions_uncallable(fresh):
    with fresh.joined() as client:
        assert ask(client, "lacking", say=1)["success"]
        fresh.rewrite(fresh.file.read_text().replace(
            '{"name": "lacking"', '{"name": "renamed"'))
        fresh.banyan("reload", code=None)
        until(lambda: not ask(client, "lacking", say=1)["success"], 10)
        assert error_of(ask(client, "lacking", say=1)) == (
            "internal", "Internal Server Error")
        assert ask(client, "both", say=1)["success"]
        assert fresh.counter("hooks_unregistered") >= 2
        assert "key=after_execute hook=lacking" in fresh.log()
        done = fresh.run_banyan("functions", "add", json.dumps(
            {"service": "test", "request_type": "x", "nodes": ["one"],
             "mfa": ["test", "echo"], "after_execute": "lacking"}))
        assert done.returncode != 0
        assert 'after_execute: no hook "lacking" is registered' in done.stderr


def test_a_pool_that_is_full_refuses_calls_before_they_run():
    """At once, and so that they may be repeated; after hooks are left out."""
    pools = json.loads(POOLS)
    pools["list"][1]["max_queue_size"] = 4
    with HookTree(more=MORE.replace(POOLS, json.dumps(pools))) as tree, \
            tree.joined() as client:
        runner = tree.runner_of("mine")
        os.kill(runner, signal.SIGSTOP)
        try:
            for n in range(50):
                client.start_call(request("both", request_id=f"f{n}"))
            refused = hear(client, 40)
        finally:
            os.kill(runner, signal.SIGCONT)
        for push in refused:
            assert error_of(push) == (
                "unavailable", "Service temporarily unavailable")
            assert push["can_retry"] is True
        rest = hear(client, 10)
        assert len({p["request_id"] for p in refused + rest}) == 50
        assert any(p["success"] for p in rest)


def test_with_detail_error_clients_hear_what_a_hook_raised():
    with HookTree(more=MORE + "\nrequest: {detail_error: true}") as tree, \
            tree.joined() as client:
        code, text = error_of(ask(client, "both", before="raise"))
        assert code == "internal" and text.startswith("hook rejected: ")
        assert "ValueError: secret inner words" in text
        code, text = error_of(ask(client, "encoded", say="raise"))
        assert text.startswith("result encoding failed: ")
        assert "ValueError: secret inner words" in text
        assert error_of(ask(client, "encoded", say="error")) == (
            "internal",
            'Internal Server Error: {:error, "no such thing"}')
