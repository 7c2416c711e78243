"""Tracing: gated, bounded, hop by hop over processes; traceparent; files."""
import json
import re
import stat

import pytest

from gateway_tree import GatewayTree, request
from local_tree import LocalTree, pool
from tokens import Key, subprotocol, write_keys
from tree import ROOT, SETTINGS, Tree, until

KEY = Key("k1")
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
MORE = """\
security: {{admin_actions: [{actions}]}}
tracer: {{max_file_bytes: 4096, max_backup_files: 2}}
rate_limiter:
  api_limits:
    - {{service: test, request_type: limited, key: user_id, max_requests: 1, window_ms: 60000}}
"""
FUNCTIONS = [
    {"request_type": "echo", "arg_types": {
        "a": "any", "password": {"type": "string", "allow_nil": True}},
     "arg_orders": ["a", "password"]},
    {"request_type": "denied", "function": "echo",
     "check_permission": {"role": ["admin"]}},
    {"request_type": "limited", "function": "echo", "arg_types": {"a": "any"}},
    {"request_type": "again", "function": "fail", "retry": 1,
     "arg_types": {"text": "string"}},
    {"request_type": "count", "arg_types": {"n": "num"},
     "response_type": "stream"},
    {"request_type": "later", "function": "echo", "arg_types": {"a": "any"},
     "response_type": "async"},
    {"request_type": "mortal", "function": "die", "nodes": ["two"]},
    {"request_type": "hints"},
    {"request_type": "typed", "function": "echo", "arg_types": {"a": "num"}},
]
BOTH = "enable_tracing, disable_tracing"


class TracedTree(GatewayTree):
    def __init__(self, keys, actions=BOTH, **how):
        write_keys(keys, KEY)
        super().__init__(
            more=MORE.format(actions=actions), functions=FUNCTIONS,
            auth=f"mode: jwt, jwt_keys: {keys}, jwt_leeway_ms: 0", **how)

    def user(self, name, headers=()):
        return self.joined(headers=(
            *subprotocol(KEY.sign(sub=name)), *headers))

    def traced(self, name):
        """What `trace show` has of requests that have ended."""
        def over():
            done = self.run_banyan("trace", "show", name, "--json")
            if done.returncode != 0:
                return None
            found = json.loads(done.stdout)["requests"]
            return found if all(r["outcome"] != "open" for r in found) \
                else None
        return until(over, 10, f"{name} was traced")

    def start_trace(self, *what):
        return self.banyan("trace", "start", *what)["id"]

    def trace(self, number):
        return next(t for t in self.banyan("trace", "status")["traces"]
                    if t["id"] == number)


@pytest.fixture(scope="module", name="keys")
def keys_path(tmp_path_factory):
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture(scope="module", name="tree")
def one_tree(keys):
    with TracedTree(keys) as tree:
        yield tree


@pytest.fixture(autouse=True)
def nothing_left(request):
    yield
    if "tree" in request.fixturenames:
        tree = request.getfixturevalue("tree")
        tree.run_banyan("trace", "stop", "all")
        tree.run_banyan("tracer", "clear")


def stages(traced):
    return [h["stage"] for h in traced["hops"]]


def hop(traced, stage):
    return next(h for h in traced["hops"] if h["stage"] == stage)


# --- the gate ---

def test_tracing_is_denied_unless_the_settings_allow_it(keys):
    with TracedTree(keys, actions="") as tree:
        for words in (["trace", "start", "all"], ["trace", "stop"],
                      ["tracer", "enable"], ["tracer", "clear"],
                      ["tracer", "enable", "user", "u7"]):
            done = tree.run_banyan(*words)
            assert done.returncode == 77, (words, done)
            assert "admin_action_denied" in done.stderr
        audit = (tree.state / "audit.log").read_text()
        assert re.search(
            r"uid=\d+ pid=\d+ op=trace.start denied=enable_tracing", audit)
        assert "denied=disable_tracing" in audit
        # looking needs no permission
        assert tree.banyan("trace", "status")["trace_control_word"] == 0
        assert tree.banyan("tracer", "status")["enabled"] is False


def test_one_action_does_not_bring_the_other(keys):
    with TracedTree(keys, actions="enable_tracing") as tree:
        number = tree.start_trace("--user", "u7")
        assert tree.banyan("trace", "status")["trace_control_word"] == \
            1 << number
        assert tree.run_banyan("trace", "stop", "all").returncode == 77
        assert tree.trace(number)["state"] == "running"


# --- words ---

@pytest.mark.parametrize("target", [
    "all", "processes", "ports", "existing", "existing_processes",
    "existing_ports", "new", "new_processes", "new_ports", "gateway",
    "gateway/1"])
def test_every_target_of_the_guide_is_accepted(tree, target):
    said = tree.banyan("trace", "start", target)
    assert said["target"] == f"process:{target}"
    assert said["tracer"] == "monitor"
    assert said["flags"] == ["call", "return_to", "procs"]
    reached = said["results"][f"process:{target}"]
    assert (reached == 0) == target.startswith("new")
    assert tree.banyan("trace", "stop", f"process:{target}") == {"stopped": 1}


def test_a_process_is_named_by_its_pid_as_well(tree):
    said = tree.banyan("trace", "start", str(tree.pid("gateway/1")))
    assert list(said["results"].values()) == [1]


@pytest.mark.parametrize("function", [
    "all", "test/echo", "test.echo", "test.echo/2", "test.echo/_",
    "{test, :echo}", "{test, :echo, 2}", "{test, :echo, :_}"])
def test_every_way_to_name_a_function_finds_its_calls(tree, function):
    tree.start_trace("--function", function)
    name = f"by-{function}"
    with tree.user("u1") as client:
        push, _ = client.call(request(args={"a": 1}, request_id=name))
        assert push["success"]
    assert tree.traced(name)[0]["outcome"] == "ok"


def test_a_trace_is_stopped_by_the_words_it_was_started_with(tree):
    for words in (["relay"], ["--function", "{MyApp.Api, :get_user, :_}"],
                  ["--function", "MyApp.Api.get_user/1"],
                  ["--function", "test/echo"], [":existing"]):
        number = tree.start_trace(*words)
        assert tree.banyan("trace", "stop", words[-1])["stopped"] == 1
        assert tree.trace(number)["state"] == "stopped"


def test_every_flag_and_target_has_its_mapping_in_the_help(tree):
    said = " ".join(tree.run_banyan("help", "trace").stdout.split())
    header = (ROOT / "protocol" / "trace_filter.h").read_text()
    for flag in re.findall(r"\bF\((\w+), \d", header):
        assert re.search(rf"\b{flag} \(", said), flag
    for target in re.findall(r'\bT\("(\w+)"', header):
        assert re.search(rf"\b{target}\b[^.]*\(", said), target


def test_another_arity_is_another_function(tree):
    number = tree.start_trace("--function", "test.echo/7")
    with tree.user("u1") as client:
        assert client.call(request(args={"a": 1}))[0]["success"]
    assert tree.trace(number)["requests"] == 0


@pytest.mark.parametrize("flag", [
    "call", "return_to", "return_trace", "procs", "ports", "timestamp",
    "cpu_timestamp", "arity", "silent"])
def test_every_flag_of_the_guide_is_accepted(tree, flag):
    assert tree.banyan("trace", "start", "--user", "u7", "--flags",
                       flag)["flags"] == [flag]


def test_wrong_words_are_named(tree):
    for words, error in (
            (["nobody"], "invalid_trace_target"),
            (["--function", "echo"], "invalid_mfa"),
            (["all", "--flags", "calls"], "invalid_trace_flag: `calls`"),
            ([], "say what to trace"),
            (["all", "--user", "u7"], "say what to trace"),
            (["all", "--rate", "0"], "--rate takes")):
        done = tree.run_banyan("trace", "start", *words)
        assert done.returncode == 64 or done.returncode == 1, done
        assert error in done.stderr, done
    assert tree.run_banyan("trace", "show", "nobody").returncode == 1


# --- one request ---

def test_one_user_is_traced_and_the_others_are_not(tree):
    number = tree.start_trace("--user", "u7")
    with tree.user("u7") as one, tree.user("u8") as other:
        one.call(request(args={"a": 1}, request_id="mine"))
        other.call(request(args={"a": 1}, request_id="theirs"))
    found = tree.traced("mine")[0]
    assert found["request"]["user_id"] == "u7"
    assert found["request"]["service"] == "test"
    assert tree.trace(number)["requests"] == 1
    assert tree.run_banyan("trace", "show", "theirs").returncode == 1


def test_the_hops_of_a_call_are_in_order_with_times_and_outcome(tree):
    tree.start_trace("--request", "whole")
    with tree.user("u1") as client:
        client.call(request(args={"a": 1}, request_id="whole"))
    found = tree.traced("whole")[0]
    assert stages(found) == [
        "start", "config_lookup", "permission", "rate_limit", "arguments",
        "node", "dispatch", "result", "encode", "write", "end"]
    times = [h["at_us"] for h in found["hops"]]
    assert times == sorted(times)
    assert found["duration_us"] >= hop(found, "result")["at_us"] > 0
    assert hop(found, "node")["detail"]["node"] == "one"
    assert hop(found, "dispatch")["detail"]["mfa"] == "test.echo/2"
    assert {h["process"] for h in found["hops"]} == {"gateway/1"}
    page = tree.run_banyan("trace", "whole").stdout
    assert "test/echo" in page and "dispatch" in page and " ok " in page
    assert tree.traced(found["trace"])[0]["span"] == found["span"]


@pytest.mark.parametrize("name,fields,outcome,stage,detail", [
    ("denied", {}, "denied", "permission", {"permission": "denied"}),
    ("missing", {}, "not_found", "config_lookup", {"status": "not_found"}),
    ("typed", {"args": {"a": "x"}}, "invalid_argument", "arguments",
     {"status": "error"}),
    ("again", {"args": {"text": "no"}}, "internal", "retry",
     {"attempt": "1"}),
])
def test_what_became_of_a_call_can_be_read(tree, name, fields, outcome, stage,
                                           detail):
    tree.start_trace("--user", "u1")
    with tree.user("u1") as client:
        client.call(request(name, request_id=f"of-{name}", **fields))
    found = tree.traced(f"of-{name}")[0]
    assert found["outcome"] == outcome
    assert detail.items() <= hop(found, stage)["detail"].items()
    if outcome != "ok":
        assert hop(found, "error")["detail"]["kind"] == outcome
        assert "next: banyan flow test" in \
            tree.run_banyan("trace", "show", f"of-{name}").stdout


def test_a_limited_call_says_so(tree):
    tree.start_trace("--user", "u9")
    with tree.user("u9") as client:
        for i in range(2):
            client.call(request("limited", {"a": 1}, request_id=f"l{i}"))
    assert hop(tree.traced("l0")[0], "rate_limit")["detail"] == {
        "status": "allowed"}
    found = tree.traced("l1")[0]
    assert found["outcome"] == "rate_limited"
    assert hop(found, "rate_limit")["detail"]["status"] == "limited"


def test_streams_and_async_calls_have_hops_of_their_own(tree):
    tree.start_trace("--user", "u1")
    with tree.user("u1") as client:
        client.start_call(request("count", {"n": 3}, request_id="parts"))
        client.start_call(request("later", {"a": 3}, request_id="later"))
        found = tree.traced("parts")[0]
        assert stages(found).count("part") == 3
        assert hop(found, "stream")["detail"] == {"status": "started"}
        found = tree.traced("later")[0]
        assert hop(found, "async")["detail"] == {"status": "queued"}
        assert hop(found, "end")["detail"]["async"] == "true"


def test_flags_choose_what_is_recorded(tree):
    tree.start_trace("--request", "few", "--flags", "call,arity,cpu_timestamp")
    number = tree.start_trace("--request", "none", "--flags", "silent")
    with tree.user("u1") as client:
        client.call(request(args={"a": 1}, request_id="few"))
        client.call(request(args={"a": 1}, request_id="none"))
    found = tree.traced("few")[0]
    assert "dispatch" in stages(found) and "write" not in stages(found)
    assert found["request"]["arity"] == "1" and "args" not in found["request"]
    assert all("cpu_us" in h["detail"] for h in found["hops"])
    until(lambda: tree.trace(number)["requests"] == 1)
    assert tree.run_banyan("trace", "show", "none").returncode == 1


# --- secrets ---

def test_secrets_are_masked_before_anything_is_recorded(tree):
    tree.start_trace("--user", "u1")
    tree.banyan("tracer", "enable")
    tree.banyan("tracer", "enable", "user", "u1")
    with tree.user("u1") as client:
        client.call(request(request_id="safe", args={
            "a": {"deep": [{"apiToken": "t0psecret"}]},
            "password": "hunter2"}))
    args = tree.traced("safe")[0]["request"]["args"]
    assert args.count("[MASKED]") == 2
    tree.banyan("tracer", "flush")
    shown = (tree.state / "traces" / "user_id-u1.log").read_text() + \
        tree.run_banyan("trace", "tail").stdout + tree.log()
    assert "hunter2" not in shown and "t0psecret" not in shown
    assert "[MASKED]" in shown


# --- traceparent ---

def test_a_traceparent_of_the_payload_names_the_trace(tree):
    tree.start_trace("--user", "u1")
    with tree.user("u1") as client:
        client.call(request(args={"a": 1}, request_id="tp",
                            traceparent=PARENT))
        client.call(request(args={"a": 1}, request_id="bad",
                            traceparent=PARENT[:-1]))
    found = tree.traced("tp")[0]
    assert found["trace"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert hop(found, "start")["detail"]["parent"] == "00f067aa0ba902b7"
    bad = tree.traced("bad")[0]
    assert bad["trace"] != found["trace"]
    assert "parent" not in hop(bad, "start")["detail"]


def test_a_traceparent_of_the_upgrade_names_all_its_calls(tree):
    tree.start_trace("--user", "u1")
    with tree.user("u1", headers=(f"Traceparent: {PARENT}",)) as client:
        for i in range(2):
            client.call(request(args={"a": 1}, request_id=f"up{i}"))
    tree.traced("up1")
    found = tree.traced("4bf92f3577b34da6a3ce929d0e0e4736")
    assert {"up0", "up1"} <= {r["request"]["request_id"] for r in found}
    assert len({r["span"] for r in found}) == len(found)


def test_a_traceparent_alone_records_nothing(tree):
    before = tree.banyan("trace", "status")["records"]
    with tree.user("u1") as client:
        assert client.call(request(args={"a": 1}, traceparent=PARENT)
                           )[0]["success"]
    assert tree.banyan("trace", "status")["records"] == before


# --- limits ---

def test_a_trace_ends_by_count_and_says_why(tree):
    number = tree.start_trace("--user", "u1", "--count", "20")
    with tree.user("u1") as client:
        for i in range(20):
            client.call(request(args={"a": i}, request_id=f"c{i}"))
        until(lambda: tree.trace(number)["state"] == "count_reached")
        assert tree.banyan("trace", "status")["trace_control_word"] == 0
        client.call(request(args={"a": 1}, request_id="after"))
    assert tree.run_banyan("trace", "show", "after").returncode == 1


def test_a_trace_ends_by_time_and_says_why(tree):
    number = tree.start_trace("--user", "u1", "--for", "100")
    until(lambda: tree.trace(number)["state"] == "time_over")
    assert "time_over" in tree.run_banyan("trace", "status").stdout


def test_a_trace_takes_no_more_than_its_rate(tree):
    number = tree.start_trace("--user", "u1", "--rate", "32")
    with tree.user("u1") as client:
        for i in range(100):
            client.call(request(args={"a": i}, request_id=f"r{i}"))
    status = tree.banyan("trace", "status")
    assert status["skipped"] > 0
    assert tree.trace(number)["requests"] + status["skipped"] >= 100


def test_the_traces_outlive_the_monitor(tree):
    number = tree.start_trace("--user", "u1")
    before = tree.life("monitor")
    tree.kill("monitor")
    with tree.user("u1") as client:
        assert client.call(request(args={"a": 1}))[0]["success"]
        tree.until("monitor", life=before + 1, state="up")
        until(lambda: tree.banyan_ok("trace", "status"))
        client.call(request(args={"a": 1}, request_id="reborn"))
    assert tree.traced("reborn")[0]["outcome"] == "ok"
    assert tree.trace(number)["state"] == "running"


def test_a_count_holds_while_there_is_no_monitor_and_in_its_next_life(tree):
    number = tree.start_trace("--user", "u1", "--count", "30")
    with tree.user("u1") as client:
        client.call(request(args={"a": 1}, request_id="k0"))
        until(lambda: tree.trace(number)["records"] > 0)
        assert tree.trace(number)["state"] == "running"
        tree.banyan("stop", "monitor")
        tree.until("monitor", state="down")
        traced = tree.counter("traced")
        for i in range(30):
            client.call(request(args={"a": i}, request_id=f"k{i + 1}"))
        # it has its count, and nobody had to be asked
        assert tree.counter("traced") - traced < 30
        tree.banyan("start", "monitor")
        tree.until("monitor", state="up")
    # a trace that is over is not taken up again
    until(lambda: tree.banyan_ok("trace", "status"))
    until(lambda: tree.banyan("trace", "status")["trace_control_word"] == 0)
    found = tree.trace(number)
    assert found["state"] == "count_reached" and found["records"] >= 30, found
    assert found["requests"] > 1


def test_a_trace_of_processes_tells_of_their_lives(tree):
    tree.start_trace("relay")
    before = tree.life("relay")
    tree.kill("relay")
    tree.until("relay", life=before + 1, state="up")
    until(lambda: "event=ready" in tree.run_banyan("trace", "tail").stdout)


# --- the request tracer ---

def lines(path):
    return [dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', line))
            for line in path.read_text().splitlines()]


def test_the_tracer_writes_a_file_for_each_key(tree):
    folder = tree.state / "traces"
    tree.banyan("tracer", "enable")
    tree.banyan("tracer", "enable", "request-type", "typed")
    tree.banyan("tracer", "enable", "user", "a/b c")
    with tree.user("a/b c") as client:
        client.call(request("typed", {"a": 1}, request_id="both"))
        client.call(request(args={"a": 1}, request_id="only user"))
    tree.traced("only user")
    status = tree.banyan("tracer", "flush")
    assert status["request_types"] == ["typed"]
    assert status["user_ids"] == ["a/b c"]
    by_type = lines(folder / "request_type-typed.log")
    by_user = lines(folder / "user_id-a_b_c.log")
    assert {x["request_id"] for x in by_type} == {"both"}
    assert {x["request_id"] for x in by_user} == {"both", '"only user"'}
    assert [x["event"] for x in by_type] == [
        "request_start", "config_lookup", "permission", "rate_limit",
        "arguments", "execution", "request_end"]
    assert list(by_type[0]) == sorted(by_type[0])
    common = {"timestamp", "node", "event", "request_id", "user_id",
              "device_id", "request_type", "service", "version"}
    assert all(common <= set(x) for x in by_type)
    assert by_type[0]["device_id"] == "nil" and by_type[0]["node"] == "test"
    assert by_type[2]["permission"] == "allowed"
    assert by_type[-1]["success"] == "true" and by_type[-1]["error"] == "nil"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_tracer_writes_nothing_while_it_is_off(tree):
    tree.banyan("tracer", "disable")
    tree.banyan("tracer", "enable", "user", "quiet")
    with tree.user("quiet") as client:
        client.call(request(args={"a": 1}))
    tree.banyan("tracer", "flush")
    assert not (tree.state / "traces" / "user_id-quiet.log").exists()


def test_errors_retries_and_streams_have_their_lines(tree):
    tree.banyan("tracer", "enable")
    tree.banyan("tracer", "enable", "user", "u5")
    with tree.user("u5") as client:
        client.call(request("again", {"text": "no"}, request_id="e1"))
        client.call(request("denied", request_id="e2"))
        client.start_call(request("count", {"n": 1}, request_id="e4"))
        client.start_call(request("later", {"a": 1}, request_id="e5"))
        for name in ("e1", "e2", "e4", "e5"):
            tree.traced(name)
    tree.banyan("tracer", "flush")
    seen = [x for path in (tree.state / "traces").glob("user_id-u5.log*")
            for x in lines(path)]
    events = {(x["request_id"], x["event"]) for x in seen}
    wanted = {("e1", "retry"), ("e1", "retry_exhausted"), ("e1", "error"),
              ("e2", "permission"), ("e2", "log"), ("e4", "stream"),
              ("e5", "async")}
    assert wanted - events == set()
    log = next(x for x in seen if x["event"] == "log")
    assert {"level", "pid", "mfa", "message"} <= set(log)


def test_files_rotate_and_keep_exactly_so_many(tree):
    folder = tree.state / "traces"
    tree.banyan("tracer", "enable")
    tree.banyan("tracer", "enable", "user", "busy")
    with tree.user("busy") as client:
        for i in range(40):
            client.call(request(args={"a": "x" * 200}, request_id=f"b{i}"))
    tree.traced("b39")
    tree.banyan("tracer", "flush")
    names = sorted(p.name for p in folder.glob("user_id-busy.log*"))
    assert names == ["user_id-busy.log", "user_id-busy.log.1",
                     "user_id-busy.log.2"]
    for name in names:
        assert (folder / name).stat().st_size <= 4096
        assert (folder / name).read_text().endswith("\n")


def test_the_folder_can_be_changed_for_files_to_come(tree, tmp_path):
    tree.banyan("tracer", "enable")
    said = tree.banyan("tracer", "configure", "--log-dir", tmp_path / "new",
                       "--max-file-bytes", "2048")
    assert said["max_file_bytes"] == 2048
    tree.banyan("tracer", "enable", "user", "moved")
    with tree.user("moved") as client:
        client.call(request(args={"a": 1}, request_id="moved"))
    tree.traced("moved")
    tree.banyan("tracer", "flush")
    assert (tmp_path / "new" / "user_id-moved.log").exists()
    assert tree.run_banyan("tracer", "configure", "--log-dir",
                           "relative").returncode != 0


def test_a_disk_that_takes_nothing_degrades_the_tracer_only(tree):
    tree.banyan("tracer", "enable")
    tree.banyan("tracer", "configure", "--log-dir", "/proc/nowhere")
    tree.banyan("tracer", "enable", "user", "full")
    with tree.user("full") as client:
        assert client.call(request(args={"a": 1}, request_id="full")
                           )[0]["success"]
    assert tree.traced("full")[0]["outcome"] == "ok"
    assert tree.run_banyan("tracer", "flush").returncode == 2
    assert tree.banyan("tracer", "status")["error"] != ""
    until(lambda: "tracer_degraded" in tree.log())
    tree.banyan("tracer", "clear")
    tree.banyan("tracer", "configure", "--log-dir", tree.state / "traces",
                "--max-file-bytes", "4096")


# --- other processes ---

ALLOWED = "security: {admin_actions: [enable_tracing, disable_tracing]}\n"


def show(tree, name):
    def over():
        done = tree.run_banyan("trace", "show", name, "--json")
        found = json.loads(done.stdout)["requests"] \
            if done.returncode == 0 else []
        return found and found[0]["outcome"] != "open" and found[0]
    return until(over, 10, f"{name} was traced")


def test_the_hops_of_a_local_call_are_those_of_two_processes():
    with LocalTree(supervisor="}\n" + ALLOWED.rstrip("}\n")) as tree:
        tree.banyan("trace", "start", "--function", "local/echo")
        push = tree.ask(tree.client(), "echo", "near", x=1)
        assert push["success"]
        found = show(tree, "near")
        places = [(h["stage"], h["process"]) for h in found["hops"]]
        way = [("dispatch", "gateway/1"), ("queued", "worker_pool"),
               ("run", "worker_pool"), ("ran", "worker_pool"),
               ("result", "gateway/1"), ("end", "gateway/1")]
        assert [p for p in places if p in way] == way, places
        assert hop(found, "run")["detail"]["pool"] == "default"
        times = [h["at_us"] for h in found["hops"]]
        assert times == sorted(times)


def test_lines_logged_in_a_pool_are_hops_of_the_call_they_are_about():
    one = pool(size=1)
    with LocalTree([one], supervisor="}\n" + ALLOWED.rstrip("}\n")) as tree:
        tree.banyan("trace", "start", "--function", "local/echo")
        client = tree.client()
        for name, kind, x in (("first", "sleep", 200), ("second", "echo", 1)):
            client.start_call(
                {"service": "local", "request_type": kind,
                 "request_id": name, "args": {"x": x}},
                join_ref=client.join_ref)
        found = show(tree, "second")
        said = [h for h in found["hops"] if h["stage"] == "log"
                and h["process"] == "worker_pool"]
        assert said and said[0]["detail"]["mfa"] == "worker_pool.task_queued"


def test_a_service_of_the_sdk_tells_of_its_own_time():
    with Tree(SETTINGS + ALLOWED) as tree:
        until(lambda: tree.call("user_service", "get_user",
                                {"user_id": "u42"})[0] == 0)
        tree.banyan("trace", "start", "--function", "user_service/get_user",
                    "--for", "60000")
        code, said = tree.call("user_service", "get_user",
                               {"user_id": "u42"})
        assert code == 0, said
        name = said["request_id"]
        detail = hop(show(tree, name), "served")["detail"]
        assert int(detail["run_us"]) >= 0 and int(detail["queue_us"]) >= 0


def test_a_service_is_told_the_trace_and_the_gateways_span(tree):
    tree.start_trace("--request", "told")
    with tree.user("u1") as client:
        push, _ = client.call(request("hints", request_id="told",
                                      traceparent=PARENT))
        untold, _ = client.call(request("hints", request_id="untold"))
    found = tree.traced("told")[0]
    assert push["result"]["traceparent"] == \
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{found['span']}-01"
    assert push["result"]["hops"] > 0
    assert untold["result"] is None


def test_a_node_that_is_lost_is_told_as_a_fallback(tree):
    tree.banyan("tracer", "enable")
    tree.banyan("tracer", "enable", "user", "u6")
    with tree.user("u6") as client:
        client.call(request("mortal", request_id="lost"))
    found = tree.traced("lost")[0]
    assert found["outcome"] == "dispatched_unknown"
    assert hop(found, "fallback")["detail"] == {"reason": "dispatched_unknown"}
    tree.banyan("tracer", "flush")
    seen = lines(tree.state / "traces" / "user_id-u6.log")
    assert "rpc_fallback" in {x["event"] for x in seen}
