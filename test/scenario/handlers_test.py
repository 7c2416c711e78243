"""Handlers of telemetry: functions of a pool that are called with events."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading

import pytest

from local_tree import LocalTree, pool
from telemetry_tail import Tail
from tree import ROOT, SETTINGS, STAGE, Tree, until

HERE = pathlib.Path(__file__).resolve().parent
GUIDE = (ROOT / "workers" / "monitor" / "README.md").read_text()


def handlers_pool(name, notes):
    """Python runners of its own: what a handler breaks is its pool's."""
    return {"name": name, "worker_profile": "process", "pool_size": 1,
            "adapter": "python", "modules": ["handler_module"],
            "python_path": str(HERE), "startup_batch_delay_ms": 10,
            "adapter_env": [f"HANDLER_NOTES={notes}"]}


def handler(function, match="executor.request.stop", **more):
    return {"match": match, "module": "handler_module", "function": function,
            "pool": "calm", **more}


class HandlerTree(LocalTree):
    """A tree with runners for clients and others for handlers."""

    def __init__(self, *rows):
        self.kept_in = tempfile.TemporaryDirectory(prefix="banyan-kept.")
        pools = [pool(size=2)] + [handlers_pool(name, self.kept_in.name)
                                  for name in ("calm", "wild")]
        try:
            super().__init__(pools, rules="stuck_ms: 200", supervisor=(
                "restarts: 1000, rest_first_ms: 1, rest_cap_ms: 5"),
                top="\ntelemetry: " + json.dumps({"handlers": rows}) + "\n")
            self.until_ready_runners(4)
        except BaseException:
            self.kept_in.cleanup()
            raise

    def close(self, check=True):
        super().close(check)
        self.kept_in.cleanup()

    def kept(self):
        path = pathlib.Path(self.kept_in.name) / "kept"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def handler(self, name):
        rows = self.banyan("telemetry", "status")["handlers"]
        row, = [r for r in rows if r["name"] == name]
        return row

    def until_detached(self, name, seconds=60):
        until(lambda: not self.handler(name)["attached"], seconds,
              f"{name} is detached")
        return self.handler(name)

    def ids(self):
        return {e["metadata"].get("request_id") for e in self.kept()}


class Caller(threading.Thread):
    """Calls one after the other; every one must be answered, and rightly."""

    def __init__(self, tree):
        super().__init__()
        self.tree, self.client = tree, tree.client()
        self.over, self.asked, self.wrong = threading.Event(), 0, []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join(30)

    def run(self):
        while not self.over.wait(0.01):
            self.asked += 1
            try:
                got = self.tree.ask(self.client, "echo",
                                    request_id=f"c{self.asked}", x=self.asked)
            except Exception as e:  # told by the test
                self.wrong.append(repr(e))
                return
            if got.get("result") != self.asked:
                self.wrong.append(got)


def test_a_handler_gets_the_events_it_asked_for_in_batches():
    with HandlerTree(handler("keep", name="keeper")) as tree:
        client = tree.client()
        for n in range(200):
            assert tree.ask(client, "echo", request_id=f"h{n}", x=n)["success"]
        wanted = {f"h{n}" for n in range(200)}
        until(lambda: wanted <= tree.ids(), 20, "all events are kept")
        events = tree.kept()
        assert {e["event"] for e in events} == {"executor.request.stop"}
        ids = [e["metadata"]["request_id"] for e in events]
        assert len(ids) == len(set(ids))
        assert all(e["measurements"]["duration_us"] > 0 and e["time"] > 1.6e9
                   and e["process"].startswith("gateway") for e in events)
        until(lambda: tree.handler("keeper")["sent"] == 200, 10, "it says so")
        row = tree.handler("keeper")
        assert row["failed"] == row["dropped"] == 0 and row["attached"]


@pytest.mark.parametrize("function, reason", [
    ("fail", "internal: "), ("sleep", "expired: "), ("not_there", ""),
    ("die", "")])
def test_a_handler_that_fails_is_detached_and_harms_nobody(function, reason):
    """It raises, sleeps for ever, does not exist, ends its process."""
    with HandlerTree(handler("keep", name="keeper"),
                     handler(function, name="bad", pool="wild")) as tree:
        monitor = tree.child("monitor")["pid"]
        with Tail(tree, "--match", "telemetry.handler") as tail, \
                Caller(tree) as caller:
            row = tree.until_detached("bad")
            told = tail.event("telemetry.handler.detached", handler="bad")
            asked = caller.asked
            until(lambda: caller.asked > asked + 50 or caller.wrong, 30,
                  "calls go on")
            until(lambda: f"c{asked + 20}" in tree.ids(), 30,
                  "the other handler is still called")
        assert caller.wrong == []
        assert row["failures"] == 5 and row["failed"] >= 5
        assert row["reason"].startswith(reason) and row["reason"]
        assert told["metadata"]["reason"] == row["reason"]
        assert tree.handler("bad")["sent"] == 0
        assert tree.handler("keeper")["attached"]
        assert tree.child("monitor")["pid"] == monitor


def test_a_reload_attaches_it_again_and_takes_another_away():
    with HandlerTree(handler("keep", name="keeper"),
                     handler("not_there", name="bad", pool="wild")) as tree:
        with Caller(tree) as caller:
            tree.until_detached("bad")
            text = tree.file.read_text()
            tree.file.write_text(text.replace(
                '"not_there"', '"keep_too"').replace('"keeper"', '"kept"'))
            tree.banyan("reload")
            until(lambda: tree.handler("bad")["sent"] > 0, 20,
                  "it is called again")
        assert caller.wrong == []
        names = {h["name"] for h in
                 tree.banyan("telemetry", "status")["handlers"]}
        assert names == {"kept", "bad"}


def test_handlers_outlive_the_death_of_the_monitor_and_of_the_pools():
    with HandlerTree(handler("keep", name="keeper")) as tree:
        for role in ("monitor", "worker_pool"):
            tree.kill(role)
            tree.until_whole()
            tree.until_ready_runners(4)
            sent = tree.handler("keeper")["sent"]
            with Caller(tree):
                until(lambda: tree.handler("keeper")["sent"] > sent, 20,
                      "events come again")
        assert tree.handler("keeper")["attached"]


def test_a_handler_of_every_event_does_not_feed_on_its_own_calls():
    with HandlerTree(handler("keep", match="worker_pool.task,pool.call",
                             name="keeper")) as tree:
        client = tree.client()
        for n in range(3):  # what a batch caused would be in the next one
            assert tree.ask(client, "echo", x=1)["success"]
            until(lambda: sum(e["event"] == "worker_pool.task.stop"
                              for e in tree.kept()) == n + 1, 20, "it is called")
        assert {e["metadata"]["command"] for e in tree.kept()} == {"local.echo"}


def test_a_handler_of_a_denied_module_is_refused(tmp_path):
    with HandlerTree() as tree:
        text = tree.file.read_text()
        wrong = tmp_path / "wrong.yaml"
        wrong.write_text(text.replace(
            '"handlers": []', '"handlers": [' + json.dumps(
                {"match": "pool", "module": "os", "function": "system"}) + "]"))
        done = tree.run_banyan("check", wrong)
        assert done.returncode == 78
        assert "telemetry.handlers[0]: MFA not allowed" in done.stdout + done.stderr


def test_what_the_guide_says_works_as_printed(tmp_path):
    part = GUIDE.split("\n## Telemetry", 1)[1].split("\n## ", 1)[0]
    blocks = {language: re.search(rf"```{language}\n(.*?)```", part, re.S)[1]
              for language in ("python", "yaml", "sh")}
    kept = tmp_path / "kept"
    (tmp_path / "events.py").write_text(blocks["python"].replace(
        "/tmp/banyan-guide-events", str(kept)))
    with Tree(SETTINGS + blocks["yaml"].replace("HERE", str(tmp_path))) as tree:
        until(lambda: tree.call("user_service", "get_user",
                                {"user_id": "u42"})[0] == 0)
        env = {**tree.env, "PATH": f"{STAGE}/bin:{os.environ['PATH']}"}
        said = {}
        for line in blocks["sh"].splitlines():
            done = subprocess.run(["bash", "-ec", line], env=env, text=True,
                                  timeout=60, capture_output=True, check=False)
            assert done.returncode == 0, (line, done)
            said[line] = done.stdout
        assert "keeper" in said["banyan telemetry status"]
        assert "night" in said["banyan telemetry status"]
        until(lambda: kept.exists() and
              "executor.request.stop get_user\n" in kept.read_text(), 20,
              "the handler wrote what it got")
