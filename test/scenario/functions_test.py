"""Functions at run time: what operators do to them, and what survives."""
import json
import os
import threading

import pytest

from tree import SETTINGS, Tree, until

TIMES = int(os.environ.get("BANYAN_TIMES", "20"))
# config_db alone is looked at: no demo service, nothing to pull
ALONE = SETTINGS.split("services:")[0] + "services: []\n"


HOOK = {"module": "m", "function": "hook"}


def function(name, version=None, **more):
    return json.dumps({
        "request_type": name, "service": "s", "nodes": ["user_service_1"],
        "mfa": {"module": "m", "function": "f"}, "version": version, **more})


def listed(tree):
    """{(request_type, version): disabled} as an operator sees it."""
    return {(f["request_type"], f["version"]): f["disabled"]
            for f in tree.banyan("functions", "list")}


@pytest.fixture
def tree():
    with Tree(ALONE, service=False) as started:
        yield started


def test_functions_come_change_and_go_without_a_restart(tree):
    life = tree.life("config_db")
    tree.banyan("functions", "add", function("a"))
    assert listed(tree) == {("a", None): False}
    refused = tree.run_banyan("functions", "add", function("a"))
    assert refused.returncode != 0 and "exists" in refused.stderr
    tree.banyan("functions", "update", function("a", timeout=900))
    assert tree.banyan("functions", "show", "s", "a")["timeout"] == 900
    tree.banyan("functions", "disable", "s", "a")
    assert listed(tree) == {("a", None): True}
    tree.banyan("functions", "enable", "s", "a")
    assert listed(tree) == {("a", None): False}
    tree.banyan("functions", "delete", "s", "a")
    assert listed(tree) == {}
    tree.banyan("functions", "delete", "s", "a", code=1)
    assert tree.life("config_db") == life


def test_functions_of_one_name_in_two_services_are_both_exported(tree):
    for service in ("s", "t", "u"):
        tree.banyan("functions", "add", function("a", service=service))
    tree.banyan("functions", "add", function("b", service="t"))
    pairs = json.loads(
        tree.run_banyan("functions", "export", "--json").stdout,
        object_pairs_hook=lambda pairs: pairs)
    told = {key: dict(dict(sample)["data"])["service"]
            for key, sample in pairs}
    assert len(pairs) == len(told) == 4
    assert told == {"a - a": "s", "a - a (t)": "t", "a - a (u)": "u",
                    "b - b": "t"}
    alone = tree.banyan("functions", "export", "--service", "u")
    assert list(alone) == ["a - a"]


def test_each_version_is_disabled_alone_and_the_highest_enabled_is_shown(tree):
    for version in (None, "9.0.0", "10.0.0-rc.1", "10.0.0"):
        tree.banyan("functions", "add", function("f", version))

    def shown():
        return tree.banyan("functions", "show", "s", "f")["version"]
    for version in ("10.0.0", "10.0.0-rc.1", "9.0.0"):
        assert shown() == version
        tree.banyan("functions", "disable", "s", "f", "--version", version)
    assert shown() is None
    tree.banyan("functions", "enable", "s", "f", "--version", "9.0.0")
    assert shown() == "9.0.0"


def test_what_was_acknowledged_survives_a_stop_of_the_whole_tree(tree):
    tree.banyan("functions", "add", function("kept", "1.0.0"))
    tree.banyan("functions", "disable", "s", "kept", "--version", "1.0.0")
    tree.banyan("functions", "add", "{}", code=None)
    tree.daemon.terminate()
    assert tree.daemon.wait(20) == 0
    tree.start()
    assert listed(tree) == {("kept", "1.0.0"): True}
    assert tree.banyan("failed", "count")["count"] == 1


def test_the_files_functions_are_kept_and_leave_with_their_lines():
    mine = ALONE + "functions:\n  - " + function("mine") + "\n"
    with Tree(mine, service=False) as tree:
        until(lambda: listed(tree) == {("mine", None): False})
        assert tree.banyan("functions", "show", "s", "mine")["source"] == \
            "settings"
        tree.rewrite(ALONE)
        tree.banyan("reload", code=None)
        until(lambda: listed(tree) == {})


def test_a_refused_function_is_recorded_and_never_half_honoured(tree):
    done = tree.run_banyan("functions", "add",
                           function("a", before_execute=HOOK,
                                    after_execute=HOOK))
    assert done.returncode != 0
    reasons = [f"{key}: {{:m, :hook, []}} is not registered as a hook: "
               "see hooks in the gateway's settings"
               for key in ("before_execute", "after_execute")]
    for reason in reasons:
        assert reason in done.stderr
    assert listed(tree) == {}
    record = tree.banyan("failed", "list")[0]
    assert record["service"] == "s" and record["source"] == "operator"
    assert record["reason"] == reasons
    assert record["expires_at_ms"] - record["inserted_at_ms"] == 86400000
    assert tree.banyan("failed", "list", "--source", "pull") == []
    assert tree.banyan("failed", "list", "--limit", "0") == []
    assert tree.banyan("failed", "summary")["total"] == 1
    assert tree.banyan("failed", "cleanup")["removed"] == 0
    assert tree.banyan("failed", "clear")["removed"] == 1
    assert tree.banyan("failed", "count")["count"] == 0


def kill_while_writing(tree):
    kept, stop = set(), threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            name = f"f{number}"
            if tree.run_banyan("functions", "add",
                               function(name)).returncode == 0:
                kept.add(name)
    writers = [threading.Thread(target=write)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(TIMES):
            before = len(kept)
            until(lambda: len(kept) > before + 2, 20, "writes go on")
            life = tree.life("config_db")
            tree.kill("config_db")
            tree.until("config_db", 20, state="up", life=life + 1)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert kept <= {name for name, _ in listed(tree)}


def test_killed_in_the_middle_of_writes_it_loses_nothing_acknowledged():
    # more deaths than any policy forgives are wanted here
    often = ALONE + "supervisor: {restarts: 1000, rest_cap_ms: 50}\n"
    with Tree(often, service=False) as tree:
        kill_while_writing(tree)


def test_the_store_is_closed_to_other_users(tree):
    store = tree.state / "config_db"
    assert store.stat().st_mode & 0o777 == 0o700
    assert (store / "data.mdb").stat().st_mode & 0o777 == 0o600
