"""What an operator sees and does: banyan, the control socket, the audit log."""
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import threading

import pytest

from control_wire import Control
from tree import BANYAN, SETTINGS, Tree, running, until

NOBODY = 65534


@pytest.fixture(name="tree", scope="module")
def one_tree():
    with Tree(service=False) as tree:
        yield tree


def ask_json(tree, request):
    control = Control(tree.run / "control.ipc")
    try:
        reply = control.ask(json.dumps(request).encode())
    finally:
        control.close()
    assert reply.endswith(b"\n")
    return json.loads(reply)


# --- looking ---

def test_tree_lists_every_process_there_is(tree):
    tree.until_whole()
    root = tree.banyan("tree")
    assert root["role"] == "guard" and root["pid"] == tree.daemon.pid
    assert root["children"][0]["role"] == "supervisor"
    text = tree.run_banyan("tree").stdout
    assert "└─ supervisor" in text and "\x1b" not in text


def test_why_tells_how_the_last_life_ended(tree):
    before = tree.life("config_db")
    tree.kill("config_db")
    tree.until("config_db", life=before + 1, state="up")

    def told():
        child = tree.banyan("why", "config_db")["children"][0]
        return [o for o in child["obituaries"] if o["life"] == before]
    assert "SIGKILL" in until(told)[0]["sentence"]
    assert "How earlier lives ended" in \
        tree.run_banyan("why", "config_db").stdout


def test_why_supervisor_tells_of_its_death_and_the_next_life(tree):
    tree.until_whole()
    before = tree.banyan("tree")["children"][0]["life"]
    os.kill(tree.supervisor_pid(), signal.SIGKILL)

    def told():
        try:
            return tree.banyan("why", "supervisor")["children"][0]
        except (AssertionError, ValueError):
            return None
    child = until(lambda: (told() or {}).get("life") == before + 1 and told())
    assert any(e["event"] == "supervisor_died" for e in child["events"])
    tree.until_whole()
    assert tree.run_banyan("stop", "supervisor").returncode == 1


def test_a_crash_leaves_its_backtrace_in_the_obituary(tree):
    before = tree.life("rate_limiter")
    tree.kill("rate_limiter", signal.SIGSEGV)
    tree.until("rate_limiter", life=before + 1, state="up")

    def told():
        child = tree.banyan("why", "rate_limiter")["children"][0]
        return [o for o in child["obituaries"] if o["life"] == before]
    obituary = until(told)[0]
    assert "SIGSEGV" in obituary["last_words"]
    assert "rate_limiter+0x" in obituary["backtrace"]


def test_the_nngcat_line_prints_the_health(tree):
    nngcat = shutil.which("nngcat")
    assert nngcat, "nng-utils is missing: run scripts/setup"
    done = subprocess.run(
        [nngcat, "--req", "--dial", f"ipc://{tree.run}/control.ipc",
         "--data", '{"op":"health"}', "--raw", "--recv-timeout", "5"],
        capture_output=True, timeout=20, check=True)
    assert done.stdout.endswith(b"\n")
    reply = json.loads(done.stdout)
    assert reply["ok"] is True
    assert set(reply["result"]["checks"]) == {"vm", "node", "banyan"}


def test_health_has_its_final_shape(tree):
    tree.until_whole()
    health = until(lambda: tree.banyan("health", code=None))
    assert set(health) == {"status", "node", "checked_at_ms", "checks"}
    banyan = health["checks"]["banyan"]
    assert set(banyan) == {"status", "mode", "checks"}
    assert banyan["mode"] == "gateway"
    assert {"config_db", "control", "gateway",
            "supervision_tree"} <= set(banyan["checks"])
    single = banyan["checks"]["control"]
    assert single["pid"] == single["process"]["pid"] == tree.pid("control")
    assert banyan["checks"]["gateway"]["alive_instances"] == 1


def test_health_above_a_memory_limit_is_degraded(tree):
    tree.until_whole()
    health = tree.banyan("health", "--max-memory", 1, code=1)
    assert health["checks"]["vm"]["status"] == "degraded"


def test_stats_count_what_was_asked(tree):
    def commands():
        return [p["counters"]["commands"]
                for p in tree.banyan("stats")["processes"]
                if p["role"] == "control"][0]
    before = commands()
    tree.banyan("version")
    assert commands() > before


def test_settings_and_endpoints_are_those_in_force(tree):
    assert tree.banyan("settings", "show", "gateway")["gateway"]["port"] == 0
    assert tree.banyan("endpoints") == tree.endpoints()
    refused = tree.run_banyan("settings", "show", "gatway")
    assert refused.returncode == 1 and "gatway" in refused.stderr


# --- changing ---

def test_restart_returns_when_the_new_life_is_up(tree):
    before = tree.life("rate_limiter")
    done = tree.run_banyan("restart", "rate_limiter")
    assert done.returncode == 0, done.stderr
    child = tree.child("rate_limiter")
    assert child["life"] > before and child["state"] == "up"


def test_restart_of_control_itself_is_waited_for(tree):
    before = tree.life("control")
    done = tree.run_banyan("restart", "control")
    assert done.returncode == 0, done.stderr
    assert tree.life("control") > before


def test_control_cannot_be_stopped_since_nothing_could_start_it(tree):
    for verb in ("stop", "drain"):
        refused = tree.run_banyan(verb, "control")
        assert refused.returncode != 0, verb
        assert "restart it instead" in refused.stderr, refused.stderr
    assert tree.child("control")["state"] == "up"


def test_a_stopped_child_stays_down_until_started(tree):
    tree.until_whole()
    assert tree.run_banyan("stop", "rate_limiter").returncode == 0
    assert tree.child("rate_limiter")["state"] == "down"
    assert tree.run_banyan("health").returncode == 2
    refused = tree.run_banyan("limits", "config")
    assert refused.returncode == 2 and "is down" in refused.stderr
    assert tree.run_banyan("start", "rate_limiter").returncode == 0
    assert tree.child("rate_limiter")["state"] == "up"


def test_a_paused_child_shows_as_degraded_until_resumed(tree):
    tree.until_whole()
    assert tree.run_banyan("pause", "rate_limiter").returncode == 0
    until(lambda: tree.child("rate_limiter")["is_paused"])
    health = tree.banyan("health", code=1)
    check = health["checks"]["banyan"]["checks"]["rate_limiter"]
    assert check["status"] == "degraded" and check["reason"] == "paused"
    assert tree.run_banyan("resume", "rate_limiter").returncode == 0
    until(lambda: not tree.child("rate_limiter")["is_paused"])


def test_every_change_is_in_the_audit_log_and_no_look_is(tree):
    tree.run_banyan("tree")
    tree.run_banyan("restart", "rate_limiter")
    lines = (tree.state / "audit.log").read_text().splitlines()
    assert any("op=restart" in line and
               'args={"role":"rate_limiter"}' in line and
               f"uid={os.geteuid()} " in line for line in lines)
    assert not any("op=tree" in line for line in lines)
    assert (tree.state / "audit.log").stat().st_mode & 0o77 == 0


def test_an_unknown_child_is_not_found_and_a_suggestion_is_made(tree):
    done = tree.run_banyan("restart", "gatway")
    assert done.returncode == 1
    assert "did you mean `gateway`?" in done.stderr
    done = tree.run_banyan("restart", "gateway/99")
    assert done.returncode == 1


# --- reload ---

def reload(tree, settings, code):
    tree.rewrite(settings)
    done = tree.run_banyan("reload")
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_reload_says_unchanged_applied_or_needs_restart(tree):
    tree.until_whole()
    assert reload(tree, SETTINGS, 0).stdout == "unchanged\n"
    out = reload(tree, SETTINGS + "rate_limiter: {cleanup_interval_ms: 20000}\n", 0).stdout
    assert "applied rate_limiter" in out
    shown = tree.banyan("settings", "show", "rate_limiter")
    assert shown["rate_limiter"]["cleanup_interval_ms"] == 20000
    out = reload(tree, SETTINGS.replace("node: test", "node: other"), 0).stdout
    assert "needs restart" in out and "node" in out
    reload(tree, SETTINGS, 0)


def test_a_broken_file_changes_nothing_and_says_where(tree):
    before = tree.banyan("version")["settings_generation"]
    done = reload(tree, SETTINGS + "gatway: {}\n", 78)
    assert "gatway" in done.stderr
    assert tree.banyan("version")["settings_generation"] == before
    diff = tree.run_banyan("settings", "diff")
    assert diff.returncode == 78
    reload(tree, SETTINGS, 0)


def test_settings_diff_shows_what_a_reload_would_change(tree):
    reload(tree, SETTINGS, 0)
    tree.rewrite(SETTINGS + "rate_limiter: {cleanup_interval_ms: 21000}\n")
    out = tree.run_banyan("settings", "diff").stdout
    changes = tree.banyan("settings", "diff")["changes"]
    assert all(set(change) == {"key", "now", "next"} for change in changes)
    assert all(change["key"] in out for change in changes) and changes
    assert "rate_limiter.cleanup_interval_ms: 60000 -> 21000" in out
    reload(tree, SETTINGS, 0)


# --- the socket ---

def test_msgpack_and_json_are_answered_in_kind(tree):
    control = Control(tree.run / "control.ipc")
    # {"op": "version"}
    assert control.ask(b"\x81\xa2op\xa7version")[:5] == b"\x82\xa2ok\xc3"
    assert control.ask(b'{"op":"version"}').startswith(b'{"ok":true')
    control.close()


@pytest.mark.parametrize("request_bytes, wanted", [
    (b"\x93\x01\x02", "not one msgpack value"),
    (b"\xdf\xff\xff\xff\xff", "not one msgpack value"),
    (b"\x01", "a text `op`"),
    (b"{\"op\":", "not valid JSON"),
    (b"{\"op\":7}", "a text `op`"),
    (b"{\"op\":\"tre\"}", "did you mean `tree`?"),
    (b"{\"op\":\"why\",\"args\":[]}", "`args` must be a map"),
    (b"{\"op\":\"why\",\"args\":{\"role\":7}}", "which child?"),
    (b"{\"op\":\"tree\",\"v\":2}", "speaks version 1"),
    (b"{\"op\":\"call\"}", "answered by the banyan program itself"),
    (b"", "not one msgpack value"),
])
def test_a_malformed_request_gets_a_typed_error(tree, request_bytes, wanted):
    control = Control(tree.run / "control.ipc")
    reply = control.ask(request_bytes).decode(errors="replace")
    control.close()
    assert wanted in reply and ("invalid" in reply)


def test_a_request_over_four_mebibytes_is_hung_up_on(tree):
    control = Control(tree.run / "control.ipc")
    with pytest.raises(OSError):
        control.ask(b"{" + b" " * (5 << 20))
    control.close()
    assert ask_json(tree, {"op": "version"})["ok"]


def knock(tree, first_bytes=b""):
    """Comes to the door and leaves at once."""
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(tree.run / "control.ipc"))
        visitor.sendall(first_bytes)


@pytest.mark.parametrize("first_bytes", [
    b"", b"\0SP", b"\0SP\0\0\x30\0\0", b"GET / HTTP/1.1\r\n\r\n",
    b"\0SP\0\0\x30\0\0\1\0\0\0\0\0\0\0\x08\0\0\0\1",
    b"\0SP\0\0\x30\0\0\1\0\0\0\0\0\0\0\x02xx",
    b"\0SP\0\0\x30\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff"])
def test_who_leaves_or_breaks_the_wire_shuts_no_door(tree, first_bytes):
    life = tree.life("control")
    before = tree.descriptors(tree.pid("control"))
    for _ in range(100):
        knock(tree, first_bytes)
    assert ask_json(tree, {"op": "version"})["ok"]
    until(lambda: tree.descriptors(tree.pid("control")) <= before,
          what="no descriptor is left behind")
    assert tree.life("control") == life


def test_sixty_four_requests_wait_for_a_hung_role_and_delay_nobody(tree):
    tree.until_whole()
    pid = tree.pid("rate_limiter")
    assert tree.run_banyan("pause", "rate_limiter").returncode == 0
    os.kill(pid, signal.SIGSTOP)
    waiting = []
    try:
        for _ in range(60):
            control = Control(tree.run / "control.ipc")
            control.send(b'{"op":"limits.config"}')
            waiting.append(control)
        assert ask_json(tree, {"op": "health"})["ok"]
        assert ask_json(tree, {"op": "tree"})["ok"]
        for _ in range(10):  # above 64: these wait for a free desk
            control = Control(tree.run / "control.ipc", 30)
            control.send(b'{"op":"limits.config"}')
            waiting.append(control)
        for control in waiting[:20]:
            control.close()  # who no longer listens must not be missed
        del waiting[:20]
        for control in waiting:
            reply = json.loads(control.answer())
            assert reply["ok"] is False
            assert reply["error"]["class"] == "timeout"
    finally:
        os.kill(pid, signal.SIGCONT)
        tree.run_banyan("resume", "rate_limiter")
        for control in waiting:
            control.close()
    tree.until_whole()


def test_a_role_that_dies_under_a_question_is_answered_for_at_once(tree):
    tree.until_whole()
    pid = tree.pid("rate_limiter")
    # connected: what is asked now reaches this life and no later one
    assert ask_json(tree, {"op": "limits.config"})["ok"]
    os.kill(pid, signal.SIGSTOP)
    control = Control(tree.run / "control.ipc")
    control.send(b'{"op":"limits.config"}')
    assert ask_json(tree, {"op": "version"})["ok"]  # it was passed on by now
    os.kill(pid, signal.SIGKILL)
    error = json.loads(control.answer())["error"]
    control.close()
    assert error["class"] == "unavailable"
    assert "died before it answered" in error["message"]
    assert error["hint"] == "`banyan why rate_limiter` tells what happened " \
        "to it"
    tree.until_whole()


def test_many_askers_at_once_are_all_answered(tree):
    replies = []

    def ask():
        replies.append(ask_json(tree, {"op": "tree"})["ok"])
    threads = [threading.Thread(target=ask) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert replies == [True] * 64


FAST_RESTARTS = """\
supervisor: {restarts: 1000, rest_first_ms: 1, rest_cap_ms: 10, \
starts_per_second: 0, starts_per_minute: 0}
"""


def test_no_question_is_lost_while_control_is_killed_again_and_again():
    """banyan asks again when control dies under a question that only reads."""
    codes, is_over = [], threading.Event()

    def ask(tree):
        while not is_over.is_set():
            codes.append(tree.run_banyan("tree", "--json").returncode)
    with Tree(SETTINGS + FAST_RESTARTS, service=False) as tree:
        tree.until_whole()
        askers = [threading.Thread(target=ask, args=(tree,))
                  for _ in range(2)]
        for asker in askers:
            asker.start()
        try:
            for _ in range(10):
                pid = tree.kill("control")
                until(lambda: tree.pid("control") != pid)
        finally:
            is_over.set()
            for asker in askers:
                asker.join(30)
        tree.until_whole()
    assert codes and set(codes) == {0}


# --- who may ---

@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another")
def test_another_user_is_refused(tree):
    env = {**tree.env, "BANYAN_RUNTIME_DIR": str(tree.run)}
    other = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY),
             "--clear-groups"]
    # outside: the folder is closed to others
    stage = pathlib.Path(BANYAN)
    done = subprocess.run([*other, str(stage), "tree"], env=env, text=True,
                          capture_output=True, timeout=20, check=False)
    if done.returncode == 126:
        pytest.skip("another user cannot reach the built program here")
    assert done.returncode == 77, done.stderr
    # inside: the door asks the kernel who knocks
    modes = [(p, p.stat().st_mode & 0o777) for p in
             (tree.home, tree.run, tree.run / "control.ipc")]
    try:
        for path, _ in modes:
            path.chmod(0o777)
        done = subprocess.run([*other, str(stage), "tree"], env=env,
                              text=True, capture_output=True, timeout=20,
                              check=False)
        assert done.returncode == 77, done.stderr
        assert "not permitted" in done.stderr
    finally:
        for path, mode in modes:
            path.chmod(mode)


# --- the program itself ---

def test_nobody_listening_is_exit_three_with_advice(tmp_path):
    env = {**os.environ, "BANYAN_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run([str(BANYAN), "tree"], env=env, text=True,
                          capture_output=True, timeout=20, check=False)
    assert done.returncode == 3
    assert "is banyand running?" in done.stderr


@pytest.mark.parametrize("words", [
    ["tree"], ["tree", "--json"], ["help"], ["health"], ["doctor"],
    ["completion", "bash"], ["history"], ["monitor", "status"]],
    ids=" ".join)
def test_an_answer_that_cannot_be_written_is_an_error(tree, words):
    def into(out):
        return subprocess.run([str(BANYAN), *words], env=tree.env, text=True,
                              stdout=out, stderr=subprocess.PIPE, timeout=30,
                              check=False)
    with open("/dev/full", "wb", buffering=0) as full:
        done = into(full)
    assert done.returncode not in (0, -signal.SIGPIPE)
    assert "could not be written: No space left" in done.stderr or \
        "could not be written: Input/output error" in done.stderr
    # who reads no further has seen enough
    read, write = os.pipe()
    os.close(read)
    try:
        done = into(write)
    finally:
        os.close(write)
    assert "could not be written" not in done.stderr


def test_usage_errors_are_exit_64(tree):
    for words in (["tre"], ["restart"], ["tree", "now"],
                  ["restart", "control", "--watch"],
                  ["tree", "--runtime-dir"], ["tree", "--runtime-dir", ""]):
        assert tree.run_banyan(*words).returncode == 64, words


def test_every_noun_has_help_and_completion(tree):
    text = tree.run_banyan("help").stdout
    bash = tree.run_banyan("completion", "bash").stdout
    zsh = tree.run_banyan("completion", "zsh").stdout
    nouns = {line.split()[0] for line in text.splitlines()
             if line.startswith("  ") and line.strip() and
             line[2].isalpha()} - {"Try:", "64"}
    assert len(nouns) > 20
    for noun in nouns:
        assert tree.run_banyan("help", noun).returncode == 0
        assert noun in bash and noun in zsh
    assert subprocess.run(["bash", "-n"], input=bash, text=True,
                          check=False).returncode == 0


def test_check_names_the_line(tree, tmp_path):
    good = tmp_path / "good.yaml"
    good.write_text(SETTINGS)
    assert tree.run_banyan("check", good).returncode == 0
    bad = tmp_path / "bad.yaml"
    bad.write_text("node: a\ngateway: {prot: 1}\n")
    verdict = tree.banyan("check", bad, code=78)
    assert verdict["ok"] is False and verdict["count"] == 1
    assert set(verdict["problems"][0]) == {"line", "column", "text"}
    done = tree.run_banyan("check", bad)
    assert done.returncode == 78 and f"{bad}:2:" in done.stderr


def test_a_watched_page_comes_again(tree):
    with running(
            [BANYAN, "version", "--json", "--watch", "0.05"],
            env=tree.env, stdout=subprocess.PIPE, text=True) as watching:
        lines = [json.loads(watching.stdout.readline()) for _ in range(3)]
        watching.terminate()
    assert all(line["banyan"] == lines[0]["banyan"] for line in lines)


@pytest.mark.parametrize("words", [
    ["version"], ["config", "show"], ["overview"], ["monitor", "health"],
    ["pools", "inspect"]])
def test_a_watch_ends_when_its_reader_leaves(tree, words):
    tree.until_whole()
    with running([BANYAN, *words, "--watch", "0.05"], env=tree.env,
                 stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watching:
        assert watching.stdout.readline()
        watching.stdout.close()
        watching.wait(20)  # it has no other reason to end


def test_shutdown_returns_when_the_tree_is_gone():
    with Tree(service=False) as tree:
        done = tree.run_banyan("shutdown")
        assert done.returncode == 0, done.stderr
        assert tree.daemon.wait(10) == 0
        assert tree.run_banyan("tree").returncode == 3
