"""What it costs the calls that somebody looks: telemetry, traces, scrapes."""
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

import tree as trees
from control_wire import Control
from monitor_client import get, place
from slices import Slices, by_turns, figures, is_sound
from tokens import Key, write_keys

TELEMETRY_KEEPS = 0.97
TRACING_KEEPS = 0.98
P99_MOVES = 1.05
SCRAPES_A_SECOND = 10
READERS = 100
SLICE_S = 0.25
WATCHED_SLICE_S = 0.5  # some scrapes are in each
TRACED_SETTINGS = """\
node: bench
gateway:
  port: 0
  channels:
    - {{topic: "api:*", event: api}}
auth: {{mode: jwt, jwt_keys: {keys}}}
monitoring: {{port: 0}}
security: {{admin_actions: [enable_tracing, disable_tracing]}}
nodes:
  - {{name: user_service_1, url: "ipc://${{runtime_dir}}/services/user_service.ipc"}}
services:
  - {{service: user_service, nodes: [user_service_1]}}
"""


class Operator:
    """Commands without a process for each."""

    def __init__(self, tree):
        self.control = Control(tree.run / "control.ipc")

    def ask(self, op, **args):
        reply = json.loads(self.control.ask(
            json.dumps({"op": op, "args": args}).encode()))
        if reply["ok"] is not True:
            raise RuntimeError(f"{op}: {reply}")
        return reply["result"]

    def close(self):
        self.control.close()


def calls(tree, url, connections=64):
    return (connections, 16, {"url": url, "expect": '"name":"Alice"',
                              "cpu": [f"gateway={tree.pid('gateway')}"]})


def pairs_of(bench):
    return 12 if bench.quick else 60


def telemetry(bench, name):
    """All events attached and published to one who listens, and nothing
    attached, by turns. Histograms are on in both: they always are."""
    operator = Operator(bench.tree)
    listener = subprocess.Popen(
        [str(trees.BANYAN), "bus", "tail", "telemetry"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env=bench.tree.env)

    def switch(is_on):
        if is_on:
            operator.ask("telemetry.attach", name="bench", match="*")
        else:
            operator.ask("telemetry.detach", name="bench")

    try:
        before = operator.ask("telemetry.status")
        with Slices(bench, calls(bench.tree, bench.url())) as slices:
            pairs = by_turns(slices, switch, pairs_of(bench), SLICE_S)
        after = operator.ask("telemetry.status")
        if slices.is_on:
            switch(False)
    finally:
        listener.terminate()
        listener.wait(10)
        operator.close()
    row = figures(name, pairs, slices)
    row.update({key: after[key] - before[key]
                for key in ("published", "missed", "skipped")})
    row["holds"] = telemetry_holds(row)
    return row


def telemetry_holds(row):
    return row["rate_ratio"] >= TELEMETRY_KEEPS and row["published"] > 0 \
        and is_sound(row)


def traced(bench, name):
    """63 connections of one user and one of another; the other is traced and
    not traced, by turns."""
    key = Key("k1")
    with tempfile.TemporaryDirectory(prefix="banyan-bench.") as home:
        keys = pathlib.Path(home) / "keys.json"
        write_keys(keys, key)
        tree = trees.Tree(TRACED_SETTINGS.format(keys=keys))
        try:
            tree.until_linked()
            operator = Operator(tree)
            url = tree.endpoints()["gateway"]

            def switch(is_on):
                if is_on:
                    operator.ask("trace.start", user="one")
                else:
                    operator.ask("trace.stop", id="all")

            with Slices(bench, *(calls(tree, f"{url}?token={key.sign(sub=u)}",
                                       count)
                                 for u, count in (("many", 63), ("one", 1)))
                        ) as slices:
                pairs = by_turns(slices, switch, pairs_of(bench), SLICE_S)
            records = operator.ask("trace.status")["records"]
            operator.close()
        finally:
            tree.close(check=False)
    row = figures(name, pairs, slices)
    row["records"] = records
    row["holds"] = traced_holds(row)
    return row


def traced_holds(row):
    return row["rate_ratio"] >= TRACING_KEEPS and row["records"] > 0 and \
        is_sound(row)


def cpu_s(pid):
    """Seconds of processor a process has had."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watchers:
    """Ten scrapes a second, and a hundred who read traces once a second,
    while `is_on`."""

    def __init__(self, tree):
        self.tree = tree
        self.is_over = threading.Event()
        self.is_on = threading.Event()
        self.scrapes = self.reads = self.failed = 0
        self.on_s = self.own_cpu = self.tree_cpu = 0
        self.began = 0
        self.pids = [tree.pid("monitor"), tree.pid("control")]
        self.readers = [Control(tree.run / "control.ipc")
                        for _ in range(READERS)]
        self.threads = [threading.Thread(target=self.scrape),
                        threading.Thread(target=self.read)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        if self.is_on.is_set():
            self.switch(False)
        self.is_over.set()
        self.is_on.set()
        for thread in self.threads:
            thread.join(30)
        for reader in self.readers:
            reader.close()

    def switch(self, is_on):
        sign = -1 if is_on else 1
        self.on_s += sign * time.monotonic()
        self.own_cpu += sign * time.process_time()
        self.tree_cpu += sign * sum(map(cpu_s, self.pids))
        if is_on:
            self.is_on.set()
        else:
            self.is_on.clear()

    def rounds(self, a_second):
        """True so many times a second, while they are on. A real watcher is
        on another machine: these wait for the end of a gateway's turn and
        do not take the processor from it in the middle."""
        os.sched_setscheduler(threading.get_native_id(), os.SCHED_BATCH,
                              os.sched_param(0))
        while not self.is_over.wait(1 / a_second):
            self.is_on.wait()
            if not self.is_over.is_set():
                yield

    def scrape(self):
        where = place(self.tree)
        for _ in self.rounds(SCRAPES_A_SECOND):
            if get(where, "/metrics").status == 200:
                self.scrapes += 1
            else:
                self.failed += 1

    def read(self):
        for n, _ in enumerate(self.rounds(READERS)):
            reader = self.readers[n % READERS]
            reply = json.loads(reader.ask(b'{"op":"trace.tail"}'))
            if reply["ok"] is True:
                self.reads += 1
            else:
                self.failed += 1


def scraped(bench, name):
    """Watched and unwatched by turns. The watchers are programs of this
    machine, too: what they take of its processors is in the row."""
    with Watchers(bench.tree) as watchers, \
            Slices(bench, calls(bench.tree, bench.url())) as slices:
        pairs = by_turns(slices, watchers.switch, pairs_of(bench) // 2,
                         WATCHED_SLICE_S)
    row = figures(name, pairs, slices)
    row.update({
        "scrapes": watchers.scrapes, "reads": watchers.reads,
        "scrapes_per_s": round(watchers.scrapes / watchers.on_s, 1),
        "watch_failed": watchers.failed,
        "monitor_cpu_percent": round(
            100 * watchers.tree_cpu / watchers.on_s, 1),
        "watchers_cpu_percent": round(
            100 * watchers.own_cpu / watchers.on_s, 1)})
    row["holds"] = scraped_holds(row)
    return row


def scraped_holds(row):
    return row["p99_ratio"] <= P99_MOVES and row["watch_failed"] == 0 and \
        row["scrapes"] > 0 and is_sound(row)


ROWS = {"sync_64x16_telemetry": telemetry, "sync_64x16_traced": traced,
        "sync_64x16_scraped": scraped}
