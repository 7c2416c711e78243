"""Native plug-ins in pools of the tree, through a whole gateway."""
import json
import os
import shutil
import signal
import tempfile

import pytest

from local_tree import LocalTree, function
from tree import ROOT, until

BUILD = ROOT / os.environ.get("BANYAN_BUILD", "build")
CALM = "restarts: 1000, rest_first_ms: 1, rest_cap_ms: 5"
ALICE = {"id": "u42", "name": "Alice", "email": "alice@example.com"}
USERS = {"get_user": {"user_id": "string"}, "list_users": {},
         "echo": {"text": "string"}, "count": {"items": "num"},
         "report": {"wait_ms": "num"}}
MODES = {"count": "stream", "report": "async"}
TROUBLE = {"who": {}, "block": {"ms": "num"}, "figures": {}, "die": {},
           "until_cancelled": {}, "spin": {}, "elsewhere": {}}


def native(name, folder, size=1, threads=1, **more):
    """An item of pools.list that runs the plug-ins of a folder."""
    profile = {"worker_profile": "thread", "threads_per_worker": threads} \
        if threads > 1 else {"worker_profile": "process"}
    return {"name": name, "pool_size": size, "adapter": "native",
            "plugin_dir": str(folder), "startup_batch_delay_ms": 10,
            **profile, **more}


def plugin_functions(service, table, **more):
    found = []
    for name, arguments in table.items():
        one = function(name, arguments, service=service, **more)
        one["mfa"]["module"] = service
        one["response_type"] = MODES.get(name, "sync")
        found.append(one)
    return found


@pytest.fixture(scope="module", name="folders")
def plugin_folders():
    """One folder for each plug-in, as `make install` would leave it."""
    home = tempfile.mkdtemp(prefix="banyan-plugins.")
    folders = {}
    for name, built in {
            "users": BUILD / "protocol" / "service" / "user_plugin.so",
            "trouble": BUILD / "test" / "plugins" / "trouble.so"}.items():
        folders[name] = os.path.join(home, name)
        os.mkdir(folders[name], 0o755)
        os.chmod(shutil.copy(built, folders[name]), 0o755)
    yield folders
    shutil.rmtree(home)


@pytest.fixture(scope="module", name="tree")
def one_tree(folders):
    """users: 16 threads in one process; trouble: two processes."""
    with LocalTree(
            [native("default", folders["users"], threads=16),
             native("bad", folders["trouble"], size=2)],
            plugin_functions("users", USERS, pool="default") +
            plugin_functions("trouble", TROUBLE, pool="bad", timeout=1000),
            rules="stuck_ms: 2000", supervisor=CALM) as shared:
        shared.until_ready_runners(3)
        yield shared


def ask(tree, service, name, **arguments):
    client = tree.client()
    return client.call({"service": service, "request_type": name,
                        "request_id": "r", "args": arguments},
                       join_ref=client.join_ref)[0]


def test_a_plug_in_answers_as_its_service_would(tree):
    assert ask(tree, "users", "get_user", user_id="u42")["result"] == ALICE
    assert ask(tree, "users", "list_users")["result"][0] == ALICE
    assert ask(tree, "users", "echo", text="héllo")["result"] == "héllo"


def test_its_stream_passes_through_in_order_to_its_end(tree):
    done = tree.run_banyan("call", "users", "count",
                           json.dumps({"items": 30_000}))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(i) for i in range(30_000)]


def test_its_late_answer_arrives(tree):
    done = tree.run_banyan("call", "users", "report",
                           json.dumps({"wait_ms": 100}))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"report": "users", "count": 3}


def test_a_handler_that_crashes_ends_its_runner_and_why_tells_it(tree):
    pids = tree.runners()
    assert ask(tree, "trouble", "die")["code"] == "dispatched_unknown"
    changed = until(
        lambda: {n: p for n, p in tree.runners().items() if p != pids[n]},
        5, "a new life")
    assert len(changed) == 1
    name = next(iter(changed))
    until(lambda: "was ended by SIGABRT" in tree.why(name), 5, "the sentence")
    assert tree.child("worker_pool")["life"] == 1
    assert ask(tree, "users", "echo", text="x")["result"] == "x"


def test_a_handler_that_heeds_its_cancel_costs_no_life(tree):
    tree.until_ready_runners(3)
    pids = tree.runners()
    # the runner knows the deadline, too: its error may come first
    assert ask(tree, "trouble", "until_cancelled")["code"] in (
        "expired", "internal")
    assert ask(tree, "trouble", "elsewhere")["result"] == "elsewhere"
    assert tree.runners() == pids


def test_a_handler_that_never_ends_is_replaced_though_pings_are_answered(tree):
    tree.until_ready_runners(3)
    pids = tree.runners()
    assert ask(tree, "trouble", "spin")["code"] == "expired"
    changed = until(
        lambda: {n: p for n, p in tree.runners().items() if p != pids[n]},
        15, "a new life")
    name = next(iter(changed))
    until(lambda: "did not come back after their deadlines" in tree.why(name),
          5, "the sentence")


def test_a_stopped_runner_is_replaced_in_time(tree):
    tree.until_ready_runners(3)
    pid = tree.kill_runner("default/1", signal.SIGSTOP)
    tree.until_replaced("default/1", pid, seconds=10)
    tree.until_ready_runners(3)
    assert ask(tree, "users", "echo", text="x")["result"] == "x"


def test_a_refused_plug_in_is_one_sentence_and_stops_nobody(folders):
    folder = os.path.join(os.path.dirname(folders["users"]), "open")
    shutil.copytree(folders["users"], folder)
    os.chmod(folder, 0o775)
    with LocalTree(
            [native("default", folders["users"]), native("open", folder)],
            plugin_functions("users", USERS), supervisor=CALM) as tree:
        until(lambda: "can be written by others" in tree.why("open/1"), 10,
              "the sentence")
        assert ask(tree, "users", "echo", text="x")["result"] == "x"
        assert tree.child("worker_pool")["life"] == 1


def test_a_plug_in_can_be_a_hook(folders):
    """It answers with values like any other."""
    hooks = [{"name": name, "module": "trouble", "function": name,
              "pool": "trouble"} for name in ("echo", "deny")]
    functions = plugin_functions(
        "users", {"echo": {"text": "string"}}, pool="users",
        before_execute="echo") + plugin_functions(
        "users", {"get_user": {"user_id": "string"}}, pool="users",
        before_execute="deny", after_execute="echo")
    with LocalTree(
            [native("users", folders["users"]),
             native("trouble", folders["trouble"])], more=functions,
            top=f"hooks: {json.dumps(hooks)}\n") as tree:
        tree.until_ready_runners(2)
        assert ask(tree, "users", "echo", text="x")["result"] == "x"
        got = ask(tree, "users", "get_user", user_id="u42")
        assert (got["code"], got["error"]) == (
            "denied", 'hook rejected: "not by a plug-in"')
