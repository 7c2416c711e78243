"""A client's call to a Python function and back: client, gateway, pool, runner."""
import json
import re
import shlex
import time

import pytest

from local_tree import LocalTree, function
from tree import ROOT, Tree, until

RUNNERS = ROOT / "test" / "runners"
FUNCTIONS = {
    "echo": {"x": "any"}, "value_of": {"x": "string"},
    "year_of": {"x": "datetime"}, "fail": {"x": "string"}, "who": {},
    "deep": {"x": "num"}, "later": {"x": "any"}, "left": {},
    "count": {"x": "num"}, "say": {"x": "string"},
    "noted_stream": {"path": "string", "size": "num"},
    "noted_wait": {"path": "string"}, "count_and_fail": {"x": "num"},
    "not_there": {},
}
STREAMS = {"count", "noted_stream", "count_and_fail"}


def python_functions():
    for name, arguments in FUNCTIONS.items():
        yield {**function(name, arguments), "service": "python",
               "timeout": 20000, "request_info": name == "who",
               "response_type": "stream" if name in STREAMS else "sync",
               "mfa": {"module": "sample", "function": name, "args": []}}
    yield {**function("echo", {"x": "any"}), "service": "python",
           "request_type": "echo_later", "response_type": "async",
           "mfa": {"module": "sample", "function": "echo", "args": []}}


@pytest.fixture(scope="module", params=["process", "thread"])
def tree(request):
    pool = {"name": "default", "worker_profile": request.param,
            "pool_size": 1 if request.param == "thread" else 3,
            "threads_per_worker": 4, "adapter": "python",
            "modules": ["sample"], "python_path": str(RUNNERS)}
    with LocalTree([pool], list(python_functions())) as shared:
        shared.until_ready_runners(pool["pool_size"])
        yield shared


@pytest.fixture()
def client(tree):
    return tree.client()


def payload(name, **arguments):
    return {"service": "python", "request_type": name, "request_id": name,
            "args": arguments}


def ask(client, name, **arguments):
    return client.call(payload(name, **arguments),
                       join_ref=client.join_ref)[0]


def begin(client, name, **arguments):
    push, _ = client.call(payload(name, **arguments),
                          join_ref=client.join_ref)
    assert push["result"] == "init" and push["has_more"], push


def parts(client):
    """(values of the parts, the terminal message)."""
    values = []
    while (push := client.hear()[4])["has_more"]:
        values.append(push["result"])
    return values, push


@pytest.mark.parametrize("value", [
    None, True, 0, -5, 2 ** 63, 1.5, "äöü €😀", [], [1, [2, []]], {},
    {"a": {"b": [None, False]}}])
def test_a_value_goes_there_and_back(client, value):
    assert ask(client, "echo", x=value)["result"] == value


@pytest.mark.parametrize("what, result", [
    ("nan", None), ("bytes", "AP8="), ("datetime", "2026-01-02T03:04:05.000Z"),
    ("decimal", "1.10"), ("point", {"x": 1, "y": 2}), ("most", 2 ** 64 - 1)])
def test_what_python_has_and_json_has_not_has_a_form(client, what, result):
    assert ask(client, "value_of", x=what)["result"] == result


def test_a_datetime_argument_arrives_as_one(client):
    assert ask(client, "year_of", x="2026-11-21T10:00:00+01:00")[
        "result"] == 2026


@pytest.mark.parametrize("name, arguments", [
    ("value_of", {"x": "object"}), ("value_of", {"x": "naive"}),
    ("deep", {"x": 33}), ("deep", {"x": 100})])
def test_what_cannot_travel_is_a_bad_result_of_that_call(
        tree, client, name, arguments):
    before = tree.runners()
    assert ask(client, name, **arguments)["code"] == "bad_result"
    assert ask(client, "echo", x=1)["result"] == 1
    assert tree.runners() == before


def test_an_exception_stays_inside_and_is_in_the_log(tree, client):
    got = ask(client, "fail", x="password is 123")
    assert (got["code"], got["error"]) == (
        "internal", "Internal Server Error")
    until(lambda: "ValueError: password is 123" in tree.log(), 5, "its text")
    until(lambda: "sample.py" in tree.log(), 5, "its traceback")


def test_a_function_that_is_not_there_is_the_operators_mistake(tree, client):
    assert ask(client, "not_there")["error"] == "Internal Server Error"
    until(lambda: "sample.not_there: not_found: there is no function"
          " sample.not_there" in tree.log(), 5, "its name")


def test_a_function_knows_its_caller_and_its_time(client):
    assert ask(client, "who")["result"]["request_id"] == "who"
    assert 0 < ask(client, "left")["result"] <= 20000


def test_a_coroutine_and_a_call_answered_later(client):
    assert ask(client, "later", x="v")["result"] == "v"
    push, reply = client.call(payload("echo_later", x=7),
                              join_ref=client.join_ref)
    assert reply["status"] == "ok"
    last = push if push["result"] == 7 else client.hear()[4]
    assert last["result"] == 7 and not last["has_more"]


def test_a_generator_streams_in_order_to_its_end(client):
    begin(client, "count", x=5000)
    values, last = parts(client)
    assert values == list(range(5000)) and last["success"]


def test_an_exception_ends_a_stream_with_an_error(client):
    begin(client, "count_and_fail", x=3)
    values, last = parts(client)
    assert values == [0, 1, 2] and last["code"] == "internal"


def test_a_slow_client_holds_its_generator_back(tree, tmp_path):
    """What was made stays below what buffers between us hold."""
    note, size = tmp_path / "made", 10_000
    slow = tree.client()
    begin(slow, "noted_stream", path=str(note), size=size)
    until(note.exists, 10, "it began")

    def stands():
        before = note.read_text()
        time.sleep(0.5)
        return before and note.read_text() == before

    until(stands, 30, "it waits for its reader")
    assert int(note.read_text()) * size < 64 << 20
    slow.socket.close()
    until((tmp_path / "made.closed").exists, 10, "it was closed")


def test_a_stream_that_is_stopped_closes_its_generator(client, tmp_path):
    note = tmp_path / "made"
    begin(client, "noted_stream", path=str(note), size=10)
    until(note.exists, 10, "it runs")
    client.say(client.join_ref, "s", "api:lobby", "stop_stream",
               {"request_id": "noted_stream"})
    while (heard := client.hear())[3] != "phx_reply":
        pass
    assert heard[4]["status"] == "ok"
    until((tmp_path / "made.closed").exists, 10, "it was closed")


def test_a_part_the_link_refuses_ends_its_call_and_its_generator(
        client, tmp_path):
    """As large as a pool takes, a little too large for the link."""
    note = tmp_path / "made"
    begin(client, "noted_stream", path=str(note), size=(16 << 20) - 40)
    values, end = parts(client)
    assert values == [] and end["code"] == "bad_result", end
    until((tmp_path / "made.closed").exists, 10, "it was cancelled")
    assert ask(client, "echo", x=1)["result"] == 1


def test_a_client_that_leaves_cancels_its_call(tree, tmp_path):
    note = tmp_path / "wait"
    leaver = tree.client()
    leaver.start_call(payload("noted_wait", path=str(note)),
                      join_ref=leaver.join_ref)
    until(note.exists, 10, "it runs")
    leaver.socket.close()
    until((tmp_path / "wait.cancelled").exists, 10, "it was told")


def test_what_a_function_prints_is_in_the_log_under_its_runner(tree, client):
    ask(client, "say", x="the moon is full")
    until(lambda: 'text="the moon is full"' in tree.log(), 5, "its line")
    assert "runner=default/" in tree.log()


def test_a_module_that_is_not_there_is_named_by_why():
    pool = {"name": "default", "worker_profile": "process", "pool_size": 1,
            "adapter": "python", "modules": ["no_such_module"]}
    with LocalTree([pool]) as tree:
        until(lambda: "No module named 'no_such_module'" in
              tree.why("default/1"), 10, "why")
        assert tree.child("worker_pool")["life"] == 1


GUIDE = ROOT / "workers" / "worker_pool" / "python" / "README.md"
AROUND = """\
node: test
gateway:
  port: 0
  channels: [{topic: "api:*", event: api, require_verified_user_id: false}]
auth: {mode: none}
"""


def test_the_guides_module_settings_and_call_work_as_they_stand(tmp_path):
    text = GUIDE.read_text()
    module, settings, command = (
        re.search(f"```{kind}\\n(.*?)```", text, re.S)[1]
        for kind in ("python", "yaml", "sh"))
    (tmp_path / "greetings.py").write_text(module)
    with Tree(AROUND + settings.replace("/srv/functions", str(tmp_path)),
              service=False) as tree:
        words = shlex.split(command)
        assert words[:1] == ["banyan"]
        until(lambda: tree.run_banyan(*words[1:]).returncode == 0, 20,
              "its answer")
        assert json.loads(tree.run_banyan(*words[1:]).stdout) == {
            "text": "Hello Ann"}
        done = tree.run_banyan("call", "greeter", "greet", '{"name":""}')
        assert done.returncode == 1
        assert "Internal Server Error" in done.stdout + done.stderr
