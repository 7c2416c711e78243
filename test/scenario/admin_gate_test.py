"""What operators may do: admin actions, and a line for all that they did."""
import json
import os
import re
import subprocess

import pytest

from gateway_tree import SETTINGS, GatewayTree, request
from monitor_client import get
from tree import STAGE, Tree, until

ACTION = "security: {admin_actions: [change_detail_error]}"
FAIL = request("fail", {"text": "inner words"})
MASKED = "Internal Server Error"


def audit(tree):
    return (tree.state / "audit.log").read_text().splitlines()


def lines_of(tree, op):
    return [line for line in audit(tree) if f" op={op} " in line]


def said(client):
    push = client.call(FAIL)[0]
    assert push["success"] is False
    return push["error"]


def test_every_admin_action_is_denied_by_default_and_audited():
    with GatewayTree(nodes=("one",)) as tree, tree.joined() as client:
        for words, action in (
                (["detail-error", "on"], "change_detail_error"),
                (["detail-error", "off"], "change_detail_error"),
                (["trace", "start", "all"], "enable_tracing"),
                (["tracer", "enable"], "enable_tracing"),
                (["trace", "stop"], "disable_tracing")):
            done = tree.run_banyan(*words)
            assert done.returncode == 77, (words, done)
            assert f"admin_action_denied: {action}" in done.stderr
            assert f"security: {{admin_actions: [{action}]}}" in done.stderr
            op = words[0] if words[0] == "detail-error" else ".".join(words[:2])
            assert re.search(rf" uid={os.geteuid()} pid=\d+ op={op} "
                             rf"denied={action} ", lines_of(tree, op)[-1])
        assert said(client) == MASKED


def test_details_are_told_for_a_while_and_the_settings_are_read_at_each_check():
    with GatewayTree(nodes=("one",), more=ACTION) as tree, \
            tree.joined() as client:
        assert said(client) == MASKED
        shown = tree.banyan("detail-error", "on", "--for", "600")
        assert shown == {"detail_error": True, "for_s": 600}
        assert 'inner words' in said(client)
        assert tree.banyan("detail-error")["detail_error"] is True
        tree.banyan("detail-error", "off")
        assert said(client) == MASKED
        # it ends by itself
        tree.banyan("detail-error", "on", "--for", "1")
        until(lambda: said(client) == MASKED, 10, "it has ended")
        assert tree.banyan("detail-error") == \
            {"detail_error": False, "for_s": 0}
        for wrong in (["maybe"], ["on", "--for", "0"],
                      ["on", "--for", "100000"]):
            assert tree.run_banyan("detail-error", *wrong).returncode == 64
        tree.file.write_text(tree.file.read_text().replace(
            "[change_detail_error]", "[]"))
        assert tree.run_banyan("reload").returncode == 0
        assert tree.run_banyan("detail-error", "on").returncode == 77


def test_every_change_and_every_look_that_reveals_leaves_one_line():
    with GatewayTree(nodes=("one",), more=ACTION) as tree:
        before = len(audit(tree))
        for words, op in (
                (["functions", "disable", "test", "echo"],
                 "functions.disable"),
                (["functions", "disable", "test", "nobody"],
                 "functions.disable"),
                (["restart", "rate_limiter"], "restart"),
                (["restart", "no_such_role"], "restart"),
                (["reload"], "reload"),
                (["kick", "u7"], "kick"),
                (["log", "level", "info"], "log.level"),
                (["detail-error", "off"], "detail-error"),
                (["trace", "show", "nothing"], "trace.show"),
                (["diag", "snapshot"], "diag.snapshot"),
                (["conns"], "conns.list"), (["slow"], "slow"),
                (["telemetry", "attach", "me", "--match", "node.*"],
                 "telemetry.attach"),
                (["telemetry", "detach", "me"], "telemetry.detach")):
            tree.run_banyan(*words)
            more = audit(tree)[before:]
            assert len(more) == 1, (words, more)
            assert re.match(rf"\S+ uid={os.geteuid()} pid=\d+ op={op} args=",
                            more[0]), more
            before += 1
        for words in (["tree"], ["health"], ["trace", "status"],
                      ["settings", "show"], ["functions", "list"]):
            tree.run_banyan(*words)
        assert len(audit(tree)) == before


def test_secrets_in_arguments_are_masked_in_the_audit():
    with GatewayTree(nodes=(), functions=[]) as tree:
        tree.run_banyan("functions", "add", json.dumps(
            {"service": "s", "request_type": "r", "nodes": ["one"],
             "api_token": "s3cret-one", "deep": [{"password": "s3cret-two"}],
             "node_url": "tcp://me:s3cret-three@h:1",
             "mfa": {"module": "m", "function": "f"}}))
        line = lines_of(tree, "functions.add")[-1]
        assert "s3cret" not in line and line.count("[MASKED]") == 3, line


# --- who may ask ---

OTHER = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
NEEDS_ROOT = pytest.mark.skipif(
    os.geteuid() != 0, reason="becomes another user, which root may")


@NEEDS_ROOT
@pytest.mark.parametrize("is_open", [False, True])
def test_another_user_is_not_permitted_even_where_he_reaches_the_socket(
        is_open):
    with GatewayTree(nodes=(), functions=[]) as tree:
        life = tree.life("relay")
        if is_open:  # somebody took the folder's protection away
            tree.home.chmod(0o755)
            tree.run.chmod(0o755)
            (tree.run / "control.ipc").chmod(0o777)
        for words in (["restart", "relay"], ["trace", "start", "all"],
                      ["detail-error", "on"], ["tree"]):
            done = subprocess.run(
                [*OTHER, STAGE / "bin" / "banyan", *words], env=tree.env,
                capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 77, (words, done)
            assert "not permitted" in done.stderr
            assert "run it as the user banyand runs as" in done.stderr
        assert tree.life("relay") == life
        assert not (tree.state / "audit.log").exists() or \
            not lines_of(tree, "restart")
        if is_open:
            until(lambda: re.search(
                'message_refused reason="another user knocked" uid=65534',
                tree.log()), 10, "the log names him")
        tree.run.chmod(0o700)


@NEEDS_ROOT
def test_the_gate_holds_for_a_tree_and_an_operator_who_are_not_root():
    tree = GatewayTree.__new__(GatewayTree)
    Tree.__init__(tree, SETTINGS.format(gateway="", more="",
                                        auth="mode: none"),
                  service=False, start=False, wrapper=OTHER)
    try:
        for folder in (tree.home, tree.run, tree.state):
            folder.mkdir(mode=0o700, exist_ok=True)
            os.chown(folder, 65534, 65534)
        os.chown(tree.file, 65534, 65534)
        tree.start()

        def ask(*words):
            return subprocess.run(
                [*OTHER, STAGE / "bin" / "banyan", *words], env=tree.env,
                capture_output=True, text=True, timeout=60, check=False)
        for words, action in ((["trace", "start", "all"], "enable_tracing"),
                              (["detail-error", "on"], "change_detail_error")):
            done = ask(*words)
            assert done.returncode == 77, done
            assert f"admin_action_denied: {action}" in done.stderr
        assert ask("restart", "relay").returncode == 0
        assert ask("tree").returncode == 0
        told = audit(tree)
        assert len(told) == 3
        assert all(" uid=65534 " in line for line in told), told
        assert [" denied=" in line for line in told] == [True, True, False]
        # root may ask as well, and is named as root
        assert tree.run_banyan("log", "level", "info").returncode == 0
        assert re.search(r" uid=0 pid=\d+ op=log.level ", audit(tree)[-1])
    finally:
        tree.close(check=False)


# --- what may run ---

def config(kind, **fields):
    return json.dumps({"service": "test", "request_type": kind,
                       "nodes": ["one"],
                       "mfa": {"module": "test", "function": kind}, **fields})


DENIED = ("os", "file", "code", "erlang", "net", "rpc", "global", "inet",
          ":os")


def test_denied_modules_are_registered_by_no_door_and_nowhere_in_a_function():
    with GatewayTree(nodes=(), functions=[]) as tree:
        for verb in ("add", "update"):
            for module in DENIED:
                done = tree.run_banyan("functions", verb, config(
                    "echo", mfa={"module": module, "function": "cmd"}))
                assert done.returncode == 64, done
                assert "MFA not allowed" in done.stderr
            os_cmd = {"module": "os", "function": "cmd", "args": []}
            for fields in (
                    {"permission_callback": os_cmd},
                    {"nodes": os_cmd},
                    {"choose_node_mode": os_cmd},
                    {"before_execute": os_cmd},
                    {"after_execute": os_cmd},
                    {"result_encoder": os_cmd}):
                done = tree.run_banyan(
                    "functions", verb, config("echo", **fields))
                assert done.returncode == 64, (fields, done)
        assert tree.banyan("functions", "list") == []
        tree.file.write_text(
            tree.file.read_text() + "functions:\n  - " + config(
                "echo", mfa={"module": "os", "function": "cmd"}) + "\n")
        done = tree.run_banyan("reload")
        assert done.returncode == 78 and "MFA not allowed" in done.stderr


def test_a_record_from_before_the_rules_changed_does_not_run():
    functions = [{"request_type": "echo", "arg_types": {"a": "any"}},
                 {"request_type": "who"}]
    with GatewayTree(nodes=("one",), functions=functions) as tree, \
            tree.joined() as client:
        plain = tree.file.read_text()

        def answers(kind):
            args = {"a": 1} if kind == "echo" else {}
            return client.call(request(kind, args))[0]["success"]
        assert answers("echo") and answers("who")
        tree.file.write_text(
            plain + 'security: {allowed_targets: ["test.who"]}\n')
        assert tree.run_banyan("reload").returncode == 0
        until(lambda: not answers("echo"), 10, "echo is denied")
        said = client.call(request("echo", {"a": 1}))[0]
        assert (said["code"], said["error"], said["can_retry"]) == \
            ("denied", "Permission denied", False)
        said = client.call(request("echo", {"a": 1}, version="9"))[0]
        assert said["code"] == "not_found"
        flow = tree.banyan("flow", "test", "echo", code=None)
        assert flow["error"] == "denied"
        assert [f["request_type"] for f in tree.banyan("flows")["flows"]] == \
            ["who"]
        assert {f["request_type"]: f.get("status") for f in tree.banyan(
            "flows", "--all")["flows"]} == {"echo": "denied", "who": None}
        assert answers("who")
        assert "target_denied" in tree.log()
        for verb in ("add", "update"):
            done = tree.run_banyan("functions", verb, config("fail"))
            assert done.returncode == 64
            assert "MFA not allowed: {:test, :fail, []}" in done.stderr
        tree.file.write_text(plain)
        assert tree.run_banyan("reload").returncode == 0
        until(lambda: answers("echo"), 10, "echo is allowed again")


# --- secrets ---

SECRET = "planted-s3cret-0123456789"
PLANTED = f"""\
telemetry: {{bus: {{secret: "{SECRET}"}}}}
security:
  admin_actions: [enable_tracing, disable_tracing]
  node_urls: ["tcp://user:{SECRET}@127.0.0.1:1", "ipc://*"]
tracer: {{enabled: true, user_ids: [], request_types: [echo]}}
pools:
  list:
    - {{name: other, pool_size: 1, adapter_env: ["DB_PASSWORD={SECRET}"]}}
log: {{level: debug}}
"""


def test_a_planted_secret_is_in_no_output():
    functions = [{"request_type": "echo", "arg_types": {
        "a": "any", "token": "string"}, "arg_orders": ["a", "token"]}]
    with GatewayTree(nodes=("one",), more=PLANTED,
                     functions=functions) as tree, tree.joined() as client:
        tree.banyan("trace", "start", "all")
        client.call(request("echo", {
            "a": f"https://x/?access_token={SECRET}&b=1", "token": SECRET}))
        # what is wrong is told in lines, and lines are of level debug here
        for args in ({"token": {"password": SECRET}}, {"secret": SECRET},
                     {"a": f"Authorization: Bearer {SECRET}", "token": 7}):
            client.call(request("echo", args))
        with tree.joined(headers=(f"Authorization: Bearer {SECRET}",
                                  f"Cookie: session={SECRET}")) as other:
            other.call(request("who", {"api_key": SECRET}))
        tree.run_banyan("functions", "add", config(
            "echo", node_url=f"tcp://me:{SECRET}@h:1", password=SECRET))
        seen = []
        for words in (["settings", "show"], ["settings", "show", "--json"],
                      ["config", "show"], ["pools", "inspect"],
                      ["pools", "--json"], ["functions", "list"],
                      ["settings", "diff"], ["trace", "show", "r1"],
                      ["trace", "tail", "--json"], ["stats", "--json"],
                      ["debug"], ["nodes"], ["bus", "status"],
                      ["diag", "snapshot"], ["slow", "--json"],
                      ["tracer", "flush"],
                      ["inspect", json.dumps(request(
                          "echo", {"a": 1, "token": SECRET}))]):
            done = tree.run_banyan(*words)
            seen.append((words, done.stdout + done.stderr))
        for path in ("/config", "/config/validation", "/metrics",
                     "/pools", "/discovery/query?entry_type=queues",
                     "/discovery/query?entry_type=nodes"):
            answer = get(tree, path)
            assert answer.status == 200
            seen.append((path, answer.text))
        seen.append(("log", tree.log()))
        for path in tree.state.rglob("*"):
            if path.is_file() and path.suffix != ".mdb":
                seen.append((path, path.read_text(errors="replace")))
        assert any("[MASKED]" in text for where, text in seen
                   if where == ["settings", "show"])
        assert any("op=inspect" in text or "echo" in text
                   for _, text in seen)
        leaks = [where for where, text in seen if SECRET in text]
        assert not leaks


def test_lines_the_audit_lost_are_counted_in_it_and_health_is_ok_again():
    with Tree() as tree:
        tree.until_whole()
        until(lambda: tree.banyan("health", code=None)["status"] == "ok")
        log = tree.state / "audit.log"
        log.unlink(missing_ok=True)
        log.mkdir()
        for _ in range(3):
            assert tree.run_banyan("conns", "list").returncode == 0

        def control():
            return tree.banyan("health", code=None)["checks"]["banyan"][
                "checks"]["control"]
        assert control()["reason"] == "audit_log_unwritable"
        log.rmdir()
        assert control()["status"] == "ok", "nobody had to type anything"
        lines = audit(tree)
        assert len(lines) == 1 and " op=audit.resumed " in lines[0]
        assert lines[0].endswith('args={"lost":3}')
        tree.run_banyan("conns", "list")
        assert " op=conns.list " in audit(tree)[1]
