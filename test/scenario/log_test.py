"""The log: its forms, what can be switched in it at run time, what never can."""
import json
import os
import re
import select
import subprocess

import pytest

from local_tree import function, pool
from phoenix_client import RawClient
from tree import BANYAND, SETTINGS, Tree, until

LOADED = SETTINGS + """\
rate_limiter:
  cleanup_interval_ms: 1000
  global_limits:
    - {{key: ip_address, max_requests: 1000000, window_ms: 1000}}
pools:
  list:
    - {pool}
functions:
{functions}
log: {{{log}}}
"""


def settings(log, tmp_path):
    runner = json.dumps(pool(size=1, worker_profile="thread", threads_per_worker=2, worker_max_requests=20, heartbeat={
        "ping_interval_ms": 200})).replace('"HOME"', json.dumps(
            str(tmp_path)))
    calls = [function("echo", {"x": "any"}),
             function("denied", {}, check_permission="any_authenticated"),
             function("sleep", {"x": "num"}), function("parts", {"x": "num"})]
    return LOADED.replace("{{", "{").replace("}}", "}").replace(
        "{pool}", runner).replace("{log}", log).replace(
            "{functions}", "\n".join(f"  - {json.dumps(f)}" for f in calls))


def lines_of(tree):
    return tree.log().splitlines()


def events(tree, word):
    return [line for line in lines_of(tree) if f" {word} " in line + " "]


@pytest.fixture(scope="module", name="tree")
def shared_tree(tmp_path_factory):
    with Tree(settings("level: info", tmp_path_factory.mktemp("runner"))) as t:
        yield t


def scopes(tree):
    return {s["scope"]: s for s in tree.banyan("log", "scopes")}


def test_a_scope_shows_its_debug_lines_and_no_others(tree):
    assert not events(tree, "gateway.decode")
    tree.banyan("log", "scope", "add", "banyan.gateway.decode", "--for", "60")
    assert scopes(tree)["gateway.decode"]["is_on"]
    until(lambda: tree.call("local", "echo", {"x": 1}) is not None and
          events(tree, "gateway.decode"), 20, "the scope reaches the gateway")
    assert not events(tree, "gateway.route")
    tree.banyan("log", "scope", "remove", "banyan.gateway.decode")
    assert not scopes(tree)["gateway.decode"]["is_on"]


def test_a_scope_is_kept_over_a_restart_and_ends_by_itself(tree):
    tree.banyan("log", "scope", "add", "relay", "--for", "0")
    tree.banyan("log", "scope", "add", "puller", "--for", "1")
    tree.kill("config_db")
    tree.until_whole()
    assert scopes(tree)["relay.group"]["is_on"]
    until(lambda: not scopes(tree)["puller.pull"]["is_on"], 20, "it ends")
    marks = tree.banyan("log", "scope", "list")
    assert [m["name"] for m in marks] == ["relay"]
    assert marks[0]["until_ms"] is None
    tree.banyan("log", "scope", "remove", "relay")


def test_an_unknown_scope_gets_a_suggestion(tree):
    said = tree.run_banyan("log", "scope", "add", "gatway.ws")
    assert said.returncode in (1, 64) and "gateway.ws" in said.stderr
    said = tree.run_banyan("log", "level", "loud")
    assert said.returncode in (1, 64) and "debug, info" in said.stderr


def test_a_level_holds_for_a_while_in_every_process(tree):
    tree.banyan("log", "level", "debug", "--for", "60")
    until(lambda: [line for line in lines_of(tree)
                   if " debug worker_pool " in line], 20, "debug lines")
    said = tree.banyan("log", "level")
    assert (said["level"], said["source"]) == ("debug", "operator")
    assert said["until_ms"] > 0 and len(said["asked"]) == 1
    tree.banyan("log", "level", "settings")
    assert tree.banyan("log", "level") == {
        "level": "info", "source": "settings", "settings": "info",
        "until_ms": None, "asked": []}
    assert "info" in tree.run_banyan("log", "level").stdout


def test_a_filter_hides_routine_events_and_never_warnings(tree):
    said = tree.run_banyan("log", "filter", "add", "child_died")
    assert said.returncode in (1, 64) and "never filtered" in said.stderr
    tree.banyan("log", "filter", "add", "child_*")
    before = len(events(tree, "child_ready"))
    # the supervisor has taken it over when a death is told and a birth is not
    def only_the_death():
        died = len(events(tree, "child_died"))
        born = len(events(tree, "child_ready"))
        tree.kill("puller")
        tree.until_whole()
        return len(events(tree, "child_died")) > died and \
            len(events(tree, "child_ready")) == born
    until(only_the_death, 20, "births are muted, deaths are told")
    assert len(events(tree, "child_ready")) >= before
    tree.banyan("log", "filter", "remove", "child_*")


def written(tree):
    """Lines of the log by level; a line that was repeated counts so often."""
    counts = dict.fromkeys(("debug", "info", "warn", "error", "fatal"), 0)
    for line in lines_of(tree):
        found = re.match(r"\S+Z (\w+) \S+ life=\d+ ", line)
        if found and found[1] in counts:
            again = re.search(r" repeated=(\d+)$", line)
            counts[found[1]] += int(again[1]) if again else 1
    return counts


def summary(tree, *more):
    return tree.banyan("log", "summary", *more)["summary"]


def test_the_summary_counts_every_line_of_every_process(tree):
    def uncounted():
        """Lines that are in the log alone; None while it grows."""
        before, said = written(tree), summary(tree)
        assert said["total_logs"] == sum(said["log_counts"].values())
        if before != written(tree):
            return None
        return {k: before[k] - said["log_counts"][k] for k in before}
    # the guard's first lines come before there is anything to count in
    first = []
    until(lambda: first.append(uncounted()) or first[-1], 20, "it rests")
    assert all(0 <= n <= 3 for n in first[-1].values()), first[-1]
    deaths = [t["count"] for t in summary(tree)["top_errors"]
              if t["error_type"] == "child_died"]
    tree.banyan("log", "level", "debug", "--for", "60")
    until(lambda: summary(tree)["log_counts"]["debug"] > 0, 20, "debug lines")
    tree.kill("puller")
    tree.until_whole()
    tree.banyan("log", "level", "settings")
    until(lambda: uncounted() == first[-1], 20, "each line is counted once")
    said = summary(tree)
    died = next(t for t in said["top_errors"] if t["error_type"] == "child_died")
    assert died["count"] == sum(deaths) + 1
    assert died["level"] == "warn" and died["process"] == "supervisor"
    assert "puller" in died["error_message"] and died["last_seen"] > 1.6e9
    assert said["nodes_reporting"] and said["error_rate"] > 0


def test_the_summary_of_a_period_and_of_none(tree):
    until(lambda: summary(tree, "--period", "3600")["time_period"] > 0,
          what="the monitor has looked once")
    page = tree.run_banyan("log", "summary", "--period", "0")
    assert page.returncode == 64
    page = tree.run_banyan("log", "summary", "--no-color")
    assert page.returncode == 0 and "warnings and errors a minute" in page.stdout
    tree.kill("monitor")
    tree.until_whole()
    # the counters outlive the monitor: the whole tree's life is still told
    until(lambda: summary(tree)["log_counts"]["info"] > 20,
          what="its first look after the birth")


def load(tree):
    with RawClient(tree.gateway_port()) as client:
        ref = client.join()[0]

        def start(kind, service="local", **args):
            return client.start_call(
                {"service": service, "request_id": kind, "request_type": kind,
                 "args": args}, join_ref=ref)

        waiting = [start("echo", x=1) for _ in range(30)]
        waiting += [start("denied"), start("parts", x=1)]
        waiting += [start("sleep", x=50) for _ in range(3)]
        waiting += [start("create", "relay", group_id="g", group_type="public"),
                    start("send", "relay", group_id="g", message={"a": 1}),
                    start("delete", "relay", group_id="g")]
        for _ in range(200):
            if not waiting:
                break
            message = client.hear()
            if message[3] == "phx_reply" and message[1] in waiting:
                waiting.remove(message[1])
        assert not waiting


def test_every_scope_gates_a_line(tmp_path):
    """M03: what `log scopes` lists is real."""
    with Tree(settings("level: info, debug_scopes: [banyan]", tmp_path)) as t:
        named = [n for n in scopes(t) if "." in n]
        load(t)
        t.kill("puller")
        t.run_banyan("pools", "recycle", "default")
        t.run_banyan("restart", "relay")
        t.run_banyan("health", "check")
        load(t)
        missing = until_lines(t, named)
        t.run_banyan("stop", "puller")
        assert not until_lines(t, missing), missing


def until_lines(tree, names):
    """Those of the scopes that have no line after a while."""
    left = set(names)

    def all_there():
        text = tree.log()
        for name in list(left):
            if is_there(text, name):
                left.discard(name)
        return not left
    try:
        until(all_there, 30, "lines of each scope")
    except AssertionError:
        pass
    return left


GATED = {  # the events that are the lines of a scope
    "relay.group": "relay_group_create", "relay.delivery": "relay_message_sent",
    "rate_limiter.window": "limits_cleanup", "pool.heartbeat": "heartbeat_pong",
    "pool.worker": "pool_status", "pool.capacity": "capacity_reached",
    "pool.dispatch": "call_dispatched", "pool.queue": "queue_enqueued",
}


def is_there(text, scope):
    return re.search(rf" debug \S+ life=\d+ {GATED.get(scope, scope)}\b", text)


SWITCHES = {"PEER_DIAL": "outcome=", "PEER_DIAL_POLICY": "mode=",
            "DISCOVERY_LOOP": "targets=", "CATALOG_SNAPSHOT": "generation=",
            "POOL_QUEUE": "queued=", "HEARTBEAT": "action=", "PULL": "service="}


def test_switches_of_the_environment_show_their_lines(tmp_path):
    env = {f"BANYAN_DEBUG_{s}": "on" for s in SWITCHES}
    with Tree(settings("level: info", tmp_path), env=env) as t:
        load(t)
        for switch, key in SWITCHES.items():
            until(lambda s=switch, k=key: any(
                k in line for line in events(t, f"[DIAG_{s}]")), 10, switch)
        assert all(" warn " in line for line in lines_of(t)
                   if "[DIAG_" in line)


def test_without_switches_there_is_no_diagnostic_line(tree):
    assert "[DIAG_" not in tree.log()


def test_each_json_line_is_one_object(tmp_path):
    with Tree(settings("format: json", tmp_path)) as t:
        load(t)
        printed = ("monitoring: ", "export ")  # on standard output
        for line in lines_of(t):
            if line.startswith(printed):
                continue
            said = json.loads(line)
            assert {"ts", "level", "who", "life", "event"} <= said.keys()


def logfmt(line):
    """A line of key=value as a map; quoted values are unquoted."""
    pairs = re.findall(r'(\S+?)=("(?:[^"\\]|\\.)*"|\S*)(?: |$)', line)
    assert " ".join(f"{k}={v}" for k, v in pairs) == line, line
    return dict(pairs)


def test_each_line_of_logfmt_is_pairs_throughout(tmp_path):
    with Tree(settings("format: logfmt", tmp_path)) as t:
        load(t)
        printed = ("monitoring: ", "export ")
        said = [logfmt(line) for line in lines_of(t)
                if not line.startswith(printed)]
    assert len(said) > 20
    for line in said:
        assert {"ts", "level", "who", "life", "event"} <= line.keys(), line


def test_colours_and_boxes_on_demand(tmp_path):
    with Tree(settings("color: always, components: {worker_pool: {terminal: "
                       "true}}", tmp_path)) as t:
        until(lambda: "WORKER ACTIVATED" in t.log(), 10, "a box of a runner")
        text = t.log()
    assert re.search(r"\x1b\[97;42m\[\d+\].*tree_ready", text)
    assert re.search(r"\x1b\[97;44m\[\d+\].*worker_ready", text)
    for label in ("Topic", "Store", "Scheduler", "PID", "Subscriber"):
        assert f"| {label} " in text
    for label in ("Pool Name", "Store ID", "Topic", "Workers", "PID"):
        assert f"| {label} " in text
    assert "SYSTEM STARTED" in text and "| Max Restarts " in text


def test_a_pipe_has_no_escapes(tree):
    assert "\x1b" not in tree.log()
    assert "+-" not in tree.log()


def test_switches_of_a_component_silence_no_error(tmp_path):
    quiet = "components: {gateway: {actions: false}, config_db: {level: error}}"
    with Tree(settings(quiet, tmp_path)) as t:
        t.banyan("kick", "all")
        t.kill("config_db")
        t.until_whole()
        assert not events(t, "kicked")
        assert not re.search(r" info config_db ", t.log())
        assert events(t, "child_died")


def on_a_terminal(command, env):
    """What a program writes when its standard error is a terminal."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(command, stderr=theirs, env=env,
                               stdout=subprocess.DEVNULL)
    os.close(theirs)
    said = b""
    while select.select([ours], [], [], 10)[0]:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the last writer has left
            break
        if not chunk:
            break
        said += chunk
        if b"tree_ready" in said:
            process.terminate()
    os.close(ours)
    process.wait(20)
    return said.decode(errors="replace")


def test_a_terminal_has_colours_and_no_color_has_none(tmp_path):
    with Tree(settings("level: info", tmp_path), start=False) as t:
        command = [str(BANYAND), "--state-dir", str(t.state), str(t.file)]
        env = {k: v for k, v in t.env.items() if k != "NO_COLOR"}
        coloured = on_a_terminal(command, env)
        plain = on_a_terminal(command, {**env, "NO_COLOR": "1"})
    assert re.search(r"\x1b\[97;42m\[\d+\].*tree_ready", coloured)
    assert "SYSTEM STARTED" in coloured
    assert "tree_ready" in plain and "\x1b" not in plain


def test_verbose_is_level_debug(tmp_path):
    with Tree(settings("level: info", tmp_path), arguments=["-v"]) as t:
        load(t)
        until(lambda: events(t, "gateway.decode") and
              events(t, "supervisor.spawn"), 10, "debug lines of all")
