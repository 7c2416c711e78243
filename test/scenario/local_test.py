"""Functions that run in pools of the tree itself, through a whole gateway."""
import json
import os
import pathlib
import re
import signal
import time

import pytest

from local_tree import LocalTree, function, pool
from tree import until

FAULTS = {
    "twice": "answered a call twice",
    "unknown": "answered a call it was never given",
    "garbage": "sent bytes that are no frame",
    "huge": "sent a frame longer than max_bytes",
    "hang_up": "closed its socket and went on running",
    "die": "left with exit code 3",
    "segfault": "was ended by SIGSEGV",
}


def native_pool():
    return {"worker_profile": "thread", "pool_size": 1,
            "threads_per_worker": 2, "adapter": "native"}


CALM = "restarts: 1000, rest_first_ms: 1, rest_cap_ms: 5"


@pytest.fixture(scope="module")
def tree():
    with LocalTree(supervisor=CALM) as shared:
        shared.until_ready_runners(2)
        yield shared


@pytest.fixture()
def client(tree):
    return tree.client()


def test_a_local_function_answers_with_what_it_was_given(tree, client):
    value = {"a": [1, 2.5, None, True], "b": "text"}
    got = tree.ask(client, "echo", x=value)
    assert got["success"] and got["result"] == value


def test_a_local_functions_own_error_stays_inside(tree, client):
    got = tree.ask(client, "fail", x="password is 123")
    assert got["code"] == "internal"
    assert got["error"] == "Internal Server Error"
    assert "password is 123" in tree.log()


def test_a_runner_has_an_environment_from_scratch(tree, client):
    names = set(tree.ask(client, "environment")["result"])
    assert {"BANYAN_POOL", "BANYAN_RUNNER", "OMP_NUM_THREADS",
            "GRPC_POLL_STRATEGY", "PATH"} <= names
    allowed = {"HOME", "LANG", "TZ", "PATH", "BANYAN_POOL", "BANYAN_RUNNER",
               "GRPC_POLL_STRATEGY"}
    assert all(n in allowed or n.startswith("LC_")
               or n.endswith("_NUM_THREADS") or n == "VECLIB_MAXIMUM_THREADS"
               for n in names), names


def test_a_stream_passes_through_in_order_to_its_end(tree):
    done = tree.run_banyan("call", "local", "parts", json.dumps({"x": 2000}))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(i) for i in range(2000)]


def test_chunks_without_credit_are_a_bad_result_of_that_call_alone(
        tree, client):
    assert tree.ask(client, "no_credit")["code"] == "bad_result"
    assert tree.ask(client, "echo", x=1)["result"] == 1


@pytest.mark.parametrize("what", FAULTS)
def test_a_runner_that_misbehaves_harms_itself_and_why_tells_it(
        tree, client, what):
    pids = tree.runners()
    got = tree.ask(client, what)
    if what == "twice":  # its first answer was good
        assert got["result"] == 1
    else:
        assert got["code"] == "dispatched_unknown"
    changed = until(
        lambda: {n: p for n, p in tree.runners().items() if p != pids[n]},
        5, "a new life")
    name = next(iter(changed))
    until(lambda: FAULTS[what] in tree.why(name), 5, FAULTS[what])
    assert tree.ask(client, "echo", x=1)["result"] == 1
    assert tree.child("worker_pool")["life"] == 1


def test_a_call_past_its_deadline_is_expired_and_its_runner_replaced():
    with LocalTree([pool(size=1)], "", "stuck_ms: 200", CALM,
                   never={"timeout": 300}) as other:
        client = other.client()
        pid = other.runners()["default/1"]
        assert other.ask(client, "never")["code"] == "expired"
        other.until_replaced("default/1", pid)
        assert "did not come back after their deadlines" \
            in other.why("default/1")
        assert other.ask(client, "echo", x=1)["result"] == 1


def test_stuck_threads_cost_their_runner_only_when_no_room_is_left():
    runners = pathlib.Path(__file__).resolve().parent.parent / "runners"
    threads = {"name": "default", "worker_profile": "thread", "pool_size": 1,
               "threads_per_worker": 2, "adapter": "python",
               "modules": ["sample"], "python_path": str(runners)}
    with LocalTree([threads], [function(
            "nap", {"ms": "num"}, timeout=300,
            mfa={"module": "sample", "function": "nap", "args": []}),
            function("hello", {"x": "any"}, mfa={
                "module": "sample", "function": "echo", "args": []})],
            "stuck_ms: 300", CALM) as tree:
        tree.until_ready_runners(1)
        client, pid = tree.client(), tree.runners()["default/1"]
        assert tree.ask(client, "nap", ms=60000)["code"] == "expired"
        time.sleep(0.6)  # beyond its grace: the other thread serves on
        assert tree.ask(client, "hello", x=1)["result"] == 1
        assert tree.runners()["default/1"] == pid
        assert tree.ask(client, "nap", ms=60000)["code"] == "expired"
        tree.until_replaced("default/1", pid)
        assert "did not come back after their deadlines" \
            in tree.why("default/1")
        assert tree.ask(client, "hello", x=1)["result"] == 1


def test_a_slow_call_that_comes_back_late_costs_no_life():
    with LocalTree([pool(size=1)], "", "stuck_ms: 3000", CALM,
                   sleep={"timeout": 200}) as other:
        client = other.client()
        pid = other.runners()["default/1"]
        assert other.ask(client, "sleep", x=500)["code"] == "expired"
        # its room is free again when it comes back
        assert other.ask(client, "echo", x=1)["result"] == 1
        assert other.runners()["default/1"] == pid
        assert other.gauge("late_results") == 1


def test_a_saturated_pool_says_so_at_once_and_may_be_tried_again():
    with LocalTree([pool(size=1, max_queue_size=2)]) as tree:
        tree.until_ready_runners(1)
        client = tree.client()
        for i in range(6):
            client.start_call(
                {"service": "local", "request_type": "sleep",
                 "request_id": str(i), "args": {"x": 1500}},
                join_ref=client.join_ref)
        refused = []  # before any of those that were taken is done
        while len(refused) < 3:
            got = client.hear()
            if got[3] == "api":
                refused.append(got[4])
        assert all(r["error"] == "Service temporarily unavailable"
                   and r["code"] == "unavailable" and r["can_retry"]
                   for r in refused), refused
        assert tree.gauge("saturated") == 3
        assert "pool_saturated pool=default queue_size=2" in tree.log()


def test_a_saturated_pool_refuses_a_none_call_aloud():
    told = function("told", {}, response_type="none",
                    mfa={"module": "m", "function": "hold", "args": []})
    with LocalTree([pool(size=1, max_queue_size=1)], [told]) as tree:
        tree.until_ready_runners(1)
        client = tree.client()
        for i in range(3):  # one runs, one waits
            client.start_call(
                {"service": "local", "request_type": "told",
                 "request_id": str(i), "args": {}}, join_ref=client.join_ref)
        heard = [client.hear() for _ in range(4)]
        assert [h[4] for h in heard if h[3] == "phx_reply"] == \
            [{"status": "ok", "response": "told"}] * 3
        refused, = [h[4] for h in heard if h[3] == "api"]
        assert refused["request_id"] == "2" and not refused["success"]
        assert refused["error"] == "Service temporarily unavailable"
        assert refused["code"] == "unavailable" and refused["can_retry"]


def test_a_call_that_waits_is_refused_when_no_runner_is_to_come():
    # the runner lives until it may leave, and says nothing: calls wait for it
    late = pool(program=["/bin/sh", "-c", "while [ ! -e $0/go ]; do sleep .05;"
                         " done; exit 78", "HOME"], size=1,
                queue_timeout_ms=300000)
    with LocalTree([late], rules="startup_timeout_ms: 300000",
                   who={"timeout": 300000}) as tree:
        client = tree.client()
        client.start_call({"service": "local", "request_type": "who",
                           "request_id": "w", "args": {}},
                          join_ref=client.join_ref)
        until(lambda: tree.pools()["queued"] == 1, 10, "the call waits")
        (tree.notes / "go").touch()
        push = client.hear()[4]
        assert push["code"] == "unavailable" and push["can_retry"], push
        assert "command=local.who reason=pool_not_initialized" in tree.log()


def test_what_a_runner_prints_is_in_the_log_under_its_name(tree, client):
    tree.ask(client, "print", x="the \"moon\" is full", n=1)
    until(lambda: "text=\"the 'moon' is full\"" in tree.log(), 5, "its line")
    tree.ask(client, "print", x="again", n=50)
    until(lambda: tree.log().count("text=\"again\"") == 1, 5, "once")


def test_what_a_dead_runner_leaves_behind_is_killed(tree, client):
    note = tree.notes / "left"
    tree.ask(client, "fork")
    left = int(until(lambda: note.exists() and note.read_text(), 5))
    for name in list(tree.runners()):
        tree.kill_runner(name)
    until(lambda: not os.path.exists(f"/proc/{left}"), 5, "the child is gone")
    tree.until_ready_runners(2)


def test_a_runner_that_eats_memory_harms_only_itself():
    with LocalTree([pool(memory_bytes=256 << 20)], supervisor=CALM) as tree:
        client = tree.client()
        assert tree.ask(client, "eat")["code"] == "dispatched_unknown"
        assert tree.ask(client, "echo", x=1)["result"] == 1
        until(lambda: "MemoryError" in tree.why("default/1")
              + tree.why("default/2"), 5, "its last words")


def test_a_runner_may_ask_to_be_replaced(tree, client):
    name = tree.ask(client, "retire")["result"]
    pid = tree.runners().get(name)
    until(lambda: tree.runners().get(name) not in (None, pid), 5,
          "another life of it")
    until(lambda: "(recycle)" in tree.why(name), 5, "the reason")


def test_a_runner_that_served_enough_is_drained_and_replaced():
    with LocalTree([pool(worker_max_requests=5)]) as tree:
        client = tree.client()
        tree.until_ready_runners(2)
        names = {tree.ask(client, "pid")["result"] for _ in range(20)}
        until(lambda: "reason=max_requests" in tree.log(), 5, "the reason")
        until(lambda: names.add(tree.ask(client, "pid")["result"])
              or len(names) > 2, 5, "a fresh one")
        assert tree.gauge("unknown_outcome") == 0


def test_an_old_runner_is_replaced_and_never_too_many_at_once():
    with LocalTree([pool(size=4, worker_ttl=[1, "seconds"], min_ready=3)],
                   rules="lifecycle: {check_interval_ms: 50}") as tree:
        client = tree.client()
        until(lambda: tree.log().count("reason=ttl_expired") >= 4, 15,
              "each is replaced")
        assert tree.ask(client, "echo", x=1)["result"] == 1
        assert all(tree.runners().get(f"default/{n}") for n in (1, 2, 3, 4)) \
            or len(tree.runners()) >= 3


def test_a_call_that_ends_its_runners_is_refused_in_the_end():
    with LocalTree(supervisor=CALM, rules="quarantine_deaths: 2") as tree:
        client = tree.client()
        codes = [tree.ask(client, "die")["code"] for _ in range(3)]
        assert codes[:2] == ["dispatched_unknown"] * 2
        until(lambda: tree.ask(client, "die")["code"] == "quarantined", 5,
              "it is refused")
        assert "quarantined pool=default command=local.die deaths=2" \
            in tree.log()
        assert tree.ask(client, "echo", x=1)["result"] == 1
        # another life of the pools remembers
        file = tree.state / "supervisor" / "quarantine"
        until(file.exists, 5, "it is written down")
        life = tree.child("worker_pool")["life"]
        tree.kill("worker_pool")
        tree.until("worker_pool", life=life + 1, state="up")
        until(lambda: tree.ask(client, "echo", x=1)["success"], 10, "linked")
        assert tree.ask(client, "die")["code"] == "quarantined"


def test_a_crash_taints_its_runner_and_a_call_that_may_run_twice_is_retried():
    barrier = {"enabled": True, "mark_on": ["segfault"], "taint_ms": 60000,
               "backoff_ms": [20]}
    with LocalTree([pool(crash_barrier=barrier)], supervisor=CALM,
                   more=[function("segfault_once", {}, idempotent=True)]
                   ) as tree:
        client = tree.client()
        tree.until_ready_runners(2)
        assert tree.ask(client, "segfault_once")["success"]
        log = tree.log()
        assert "call_retried pool=default command=local.segfault_once" in log
        assert "reason=segfault exit_code=139" in log
        assert re.search(r"worker_tainted worker_id=\S+ pool=default "
                         r"reason=segfault duration_ms=60000", log)
        assert tree.gauge("retried") == 1
        # the tainted one gets nothing, though it is back
        until(lambda: "worker_restarted" in tree.log(), 5, "it is back")
        assert len({tree.ask(client, "who")["result"]
                    for _ in range(10)}) == 1


def test_a_program_that_dies_at_once_is_refused_at_once_and_why_says_it():
    with LocalTree([pool(arguments=["dies"])]) as tree:
        client = tree.client()
        until(lambda: tree.ask(client, "echo", x=1)["code"] == "unavailable",
              10, "nobody will be ready")
        began = time.monotonic()
        got = tree.ask(client, "echo", x=1)
        # not at its deadline, which is 5 s
        assert got["can_retry"] and time.monotonic() - began < 4
        assert "left with exit code 3" in tree.why("default/1")
        assert "no database" in tree.why("default/1")
        assert tree.child("worker_pool")["life"] == 1


def test_a_pool_that_nobody_is_ready_in_degrades_the_health(tree):
    with LocalTree([pool(arguments=["dies"]), pool("good", 1)]) as other:
        until(lambda: other.banyan("health", code=None)["status"]
              == "degraded", 15, "it is told")
        assert "pool_unhealthy" in json.dumps(other.banyan("health", code=1))
        until(lambda: "pool_door_closed pool=default" in other.log(), 15,
              "its calls are refused at once")
    assert tree.banyan("health")["status"] == "ok"


def test_a_call_that_waited_too_long_is_refused_and_never_runs():
    with LocalTree([pool(size=1, queue_timeout_ms=200)]) as tree:
        tree.until_ready_runners(1)
        client = tree.client()
        client.start_call(
            {"service": "local", "request_type": "sleep", "request_id": "a",
             "args": {"x": 3000}}, join_ref=client.join_ref)
        until(lambda: tree.pools()["busy"] == 1, 5, "it runs")
        got = tree.ask(tree.client(), "count", x="late")
        assert got["code"] == "unavailable" and got["can_retry"]
        assert client.hear()[4]["result"] == 3000
        assert tree.ask(tree.client(), "count", x="next")["success"]
        assert (tree.notes / "count").read_text().split() == ["next"]
        assert tree.gauge("queue_timeouts") == 1


def test_each_step_of_a_call_is_an_event_with_its_fields():
    with LocalTree([pool(size=1, max_queue_size=1), {
            **native_pool(), "name": "threads", "max_queue_size": 0}], [
            function("get_user", {"user_id": "string"}, pool="threads",
                     mfa={"module": "users", "function": "get_user",
                          "args": []})], level="debug") as tree:
        tree.until_ready_runners(2)
        client = tree.client()
        for i in range(3):
            client.start_call(
                {"service": "local", "request_type": "sleep",
                 "request_id": str(i), "args": {"x": 300}},
                join_ref=client.join_ref)
        for _ in range(6):
            client.hear()
        log = tree.log()
        for line in (
                "call_dispatched pool=default worker_id=default/1 "
                "command=local.sleep queued=false",
                "queue_enqueued pool=default command=local.sleep "
                "queue_size=1",
                "pool_saturated pool=default queue_size=1 max_queue_size=1 "
                "available_workers=0 busy_workers=1",
                "queue_dequeued pool=default command=local.sleep waited_ms=",
                "call_dispatched pool=default worker_id=default/1 "
                "command=local.sleep queued=true",
                "request_executed pool=default worker_id=default/1 "
                "command=local.sleep duration_us="):
            assert line in log, line
        assert log.count("request_executed ") == 2  # one each
        assert log.count("success=true aborted=false streaming=false") == 2


def test_a_client_that_leaves_takes_its_waiting_call_along():
    with LocalTree([pool(size=1)]) as tree:
        tree.until_ready_runners(1)
        client, leaver = tree.client(), tree.client()
        client.start_call(
            {"service": "local", "request_type": "sleep", "request_id": "a",
             "args": {"x": 2000}}, join_ref=client.join_ref)
        until(lambda: tree.pools()["busy"] == 1, 5, "it runs")
        leaver.start_call(
            {"service": "local", "request_type": "count", "request_id": "b",
             "args": {"x": "gone"}}, join_ref=leaver.join_ref)
        until(lambda: tree.pools()["queued"] == 1, 5, "it waits")
        leaver.socket.close()
        assert client.hear()[4]["result"] == 2000
        client.hear()
        assert tree.ask(client, "count", x="next")["success"]
        assert (tree.notes / "count").read_text().split() == ["next"]
        assert tree.gauge("cancelled") == 1


def test_a_session_keeps_its_runner_while_it_has_room():
    with LocalTree([pool(size=4)]) as tree:
        tree.until_ready_runners(4)
        for _ in range(3):
            client = tree.client()
            assert len({tree.ask(client, "who")["result"]
                        for _ in range(8)}) == 1


def test_a_strict_session_hears_at_once_that_its_runner_is_busy():
    with LocalTree([pool(size=2, affinity="strict_fail_fast")]) as tree:
        tree.until_ready_runners(2)
        client = tree.client()
        assert tree.ask(client, "who")["success"]
        client.start_call(
            {"service": "local", "request_type": "sleep", "request_id": "a",
             "args": {"x": 700}}, join_ref=client.join_ref)
        client.start_call(
            {"service": "local", "request_type": "who", "request_id": "b",
             "args": {}}, join_ref=client.join_ref)
        push = client.hear()
        assert push[4]["request_id"] == "b" and \
            push[4]["code"] == "unavailable", push


def test_a_heartbeat_that_is_not_dependent_is_only_said():
    heartbeat = {"dependent": False, "ping_interval_ms": 100,
                 "timeout_ms": 100}
    with LocalTree([pool(size=1, heartbeat=heartbeat)]) as tree:
        tree.until_ready_runners(1)
        pid = tree.kill_runner("default/1", signal.SIGSTOP)
        until(lambda: "dependent=false failure_reason=heartbeat_timeout"
              in tree.log(), 10, "it is said")
        assert tree.runners()["default/1"] == pid
        os.kill(pid, signal.SIGCONT)
        assert tree.ask(tree.client(), "echo", x=1)["result"] == 1


def test_failures_in_a_row_open_the_breaker_and_a_trial_closes_it():
    with LocalTree([pool(size=3, circuit_breaker_threshold=3,
                         circuit_breaker_cooldown_ms=3000)], [],
                   "quarantine_ms: 0", CALM) as tree:
        tree.until_ready_runners(3)
        client = tree.client()
        codes = [tree.ask(client, "die")["code"] for _ in range(3)]
        assert codes == ["dispatched_unknown"] * 3
        got = tree.ask(client, "echo", x=1)
        assert got["code"] == "unavailable" and got["can_retry"]
        until(lambda: "circuit_breaker_opened pool_name=default breaker=pool"
              in tree.log(), 5, "it is told")
        until(lambda: tree.ask(client, "echo", x=1)["success"], 20,
              "a trial goes well")
        until(lambda: "circuit_breaker_closed pool_name=default breaker=pool"
              in tree.log(), 5, "it is told")


def test_a_restart_of_the_pools_finishes_what_they_have():
    with LocalTree([pool()]) as tree:
        tree.until_ready_runners(2)
        client = tree.client()
        client.start_call(
            {"service": "local", "request_type": "sleep", "request_id": "a",
             "args": {"x": 1000}}, join_ref=client.join_ref)
        runners = tree.runners()
        assert tree.banyan_ok("restart", "worker_pool")
        assert client.hear()[4]["result"] == 1000
        client.hear()
        assert not any(os.path.exists(f"/proc/{p}") for p in runners.values())
        until(lambda: tree.ask(client, "echo", x=1)["success"], 10,
              "the next life serves")


def test_a_program_that_is_not_there_is_named_by_why():
    with LocalTree([{**pool(), "program": ["/nowhere/at/all"]}]) as tree:
        until(lambda: "could not be started: No such file or directory"
              in tree.why("default/1"), 5, "the reason")
        assert "/nowhere/at/all" in tree.why("default/1")
        assert "what it noted last" not in tree.why("default/1")
        assert tree.child("worker_pool")["life"] == 1


@pytest.mark.parametrize("how,sentence", [
    ("rubbish", "did not begin with a good HELLO"),
    ("mute", "did not say READY in time")])
def test_a_program_that_is_no_runner_is_named_by_why(how, sentence):
    with LocalTree([pool(arguments=[how])],
                   rules="startup_timeout_ms: 500") as tree:
        until(lambda: sentence in tree.why("default/1"), 5, sentence)


def test_a_function_may_name_its_pool():
    with LocalTree([pool("first", 1), pool("second", 1)], [
            function("who", {}, pool="second", request_type="there"),
            function("who", {}, pool="third", request_type="nowhere")]) as tree:
        client = tree.client()
        assert tree.ask(client, "who")["result"] == "first/1"
        assert tree.ask(client, "there")["result"] == "second/1"
        got = tree.ask(client, "nowhere")
        assert got["code"] == "not_found"
        assert got["error"] == "pool_not_found: third"
        assert "pool_not_found command=local.nowhere pool=third" in tree.log()


def test_a_deaf_runner_is_killed_when_the_tree_stops():
    with LocalTree([pool(arguments=["deaf"])],
                   rules="graceful_timeout_ms: 200\n"
                         "  stop_timeout_ms: 200") as tree:
        assert len(until(tree.runners, 5)) > 0  # and none is left at the end


def test_an_answer_to_a_call_that_was_settled_is_nobodys():
    with LocalTree([pool(arguments=["deaf"])],
                   rules="graceful_timeout_ms: 200\n"
                         "  stop_timeout_ms: 20000") as tree:
        tree.until_ready_runners(2)
        client = tree.client()
        for name in "ab":
            client.start_call(
                {"service": "local", "request_type": "sleep",
                 "request_id": name, "args": {"x": 3000}},
                join_ref=client.join_ref)
        until(lambda: tree.gauge("in_flight") == 2, 5, "both are at work")
        tree.banyan("pools", "recycle", "default", "1")
        # its time is over before the call is: TERM, and the call is lost
        lost = client.hear()
        while lost[3] != "api":
            lost = client.hear()
        assert lost[4]["code"] == "dispatched_unknown", lost
        # the answer comes all the same
        done = client.hear()
        while done[3] != "api":
            done = client.hear()
        assert done[4]["result"] == 3000, done
        until(lambda: tree.gauge("late_results") == 1, 5, "it was heard")
        assert tree.child("worker_pool")["life"] == 1
        assert tree.ask(tree.client(), "echo", x=1)["result"] == 1


def test_a_reload_names_what_waits_for_a_restart_of_the_pools(tree):
    text = tree.file.read_text()
    try:
        tree.file.write_text(text.replace("max_queue_size: 1000",
                                          "max_queue_size: 999"))
        done = tree.run_banyan("reload")
        assert "worker_pool" in done.stdout and \
            "pools.max_queue_size" in done.stdout, done.stdout
    finally:
        tree.file.write_text(text)
        assert tree.banyan_ok("reload")
