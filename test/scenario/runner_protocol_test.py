"""Runners as a pool sees them: the Python adapter, and programs without it.

What every runner must do is tested on all of them; what the adapter adds, on
its two profiles. test/runners/wire.py is the pool.
"""
import datetime
import math
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent /
                       "runners"))
from wire import (ADAPTER, CANCEL, CHUNK, CREDIT, DRAINING, END, ERROR, EXAMPLES,
                  PING, RECYCLE, RESULT, RUNNERS, Runner, packed,
                  python)

GUIDE = ADAPTER.parent / "README.md"
NODE = ["node", str(EXAMPLES / "plain_runner.js")]
PLAIN = ["/usr/bin/python3", str(EXAMPLES / "plain_runner.py")]
BUILD = RUNNERS.parent.parent / os.environ.get("BANYAN_BUILD", "build")
NATIVE = [str(BUILD / "workers/worker_pool/native_runner/native_runner"),
          str(BUILD / "test/plugins/trouble.so")]
# name → (command, threads, a function, its argument, its answer)
ALL = {
    "process": (python("sample"), 1, "sample.echo", "hi", "hi"),
    "thread": (python("sample"), 4, "sample.echo", "hi", "hi"),
    "plain": (PLAIN, 1, "any.shout", "hi", "HI"),
    "node": (NODE, 1, "any.shout", "hi", "HI"),
    "native": (NATIVE, 1, "trouble.echo", "hi", "hi"),
    "native_threads": (NATIVE, 4, "trouble.echo", "hi", "hi"),
}


@pytest.fixture(params=sorted(ALL))
def anyone(request):
    command, threads, *call = ALL[request.param]
    with Runner(command, threads=threads) as runner:
        runner.sample = call
        runner.hello = runner.ready()
        yield runner


@pytest.fixture(params=["process", "thread"])
def adapter(request):
    with Runner(python("sample"), threads=4 if request.param == "thread"
                else 1) as runner:
        runner.ready()
        yield runner


@pytest.fixture
def process():
    with Runner(python("sample")) as runner:
        runner.ready()
        yield runner


@pytest.fixture
def thread():
    with Runner(python("sample"), threads=4) as runner:
        runner.ready()
        yield runner


# ---- what every runner must do -------------------------------------------


def test_a_runner_says_it_is_ready_and_how_much_it_takes(anyone):
    assert 1 <= anyone.hello.get("capacity", 1) <= anyone.threads
    assert anyone.hello.get("answers", "idle") in ("always", "idle")


def test_a_call_gets_its_answer(anyone):
    name, argument, answer = anyone.sample
    assert anyone.call(name, argument, deadline_ms=60000) == [RESULT, answer]


def test_the_callers_facts_and_credit_are_stepped_over(anyone):
    name, argument, answer = anyone.sample
    assert anyone.call(name, argument, caller={"user_id": "u"},
                       credit=100) == [RESULT, answer]


def test_an_unknown_function_is_an_error_and_not_an_end(anyone):
    kind, code, text = anyone.call("sample.nope")
    assert (kind, code) == (ERROR, "not_found")
    assert text
    name, argument, answer = anyone.sample
    assert anyone.call(name, argument) == [RESULT, answer]


def test_pings_come_back_with_their_number(anyone):
    for number in (1, 2, 300, 70000):
        anyone.say([PING, number])
        assert anyone.hear() == [PING, number]


def test_frames_may_come_in_one_piece_or_byte_by_byte(anyone):
    name, argument, answer = anyone.sample
    anyone.say([PING, 1], anyone.frame_of_call(name, argument), [PING, 2])
    heard = sorted((anyone.hear() for _ in range(3)), key=str)
    assert [f[0] for f in heard] == [RESULT, PING, PING]
    for byte in packed(anyone.frame_of_call(name, argument)):
        anyone.sock.sendall(bytes([byte]))
    assert anyone.hear() == [RESULT, anyone.next_id, answer]


def test_frames_about_calls_long_answered_are_harmless(anyone):
    name, argument, answer = anyone.sample
    assert anyone.call(name, argument)[0] == RESULT
    anyone.say([CANCEL, anyone.next_id], [CREDIT, anyone.next_id, 10],
               [CANCEL, 1], [77, 0, "unknown kind"])
    assert anyone.call(name, argument) == [RESULT, answer]


def test_draining_ends_with_zero(anyone):
    anyone.say([DRAINING, 0])
    assert anyone.hear() is None
    assert anyone.ended()[0] == 0


def test_the_end_of_the_socket_is_the_end(anyone):
    anyone.sock.close()
    assert anyone.ended()[0] == 0


# ---- what may be called --------------------------------------------------


@pytest.mark.parametrize("name", [
    "sample._hidden", "sample.basename", "sample.Point", "sample.os",
    "sample.__name__", "sample.meeting", "os.getcwd", "sample.", "banyan.caller"])
def test_only_public_functions_of_the_module_are_callable(process, name):
    assert process.call(name)[:2] == [ERROR, "not_found"]


def test_a_list_of_its_own_says_what_is_callable():
    with Runner(python("listed", "sample")) as runner:
        runner.ready()
        assert runner.value("listed.shown") is True
        assert runner.value("listed.basename", "/a/b") == "b"
        assert runner.call("listed.not_listed")[1] == "not_found"
        assert runner.value("sample.echo", 1) == 1


def test_a_module_that_is_not_there_is_named_at_the_end():
    with Runner(python("no_such_module")) as runner:
        assert runner.hear() is None
        code, errors = runner.ended()
    assert code == 1
    assert errors.strip().splitlines()[-1] == \
        "banyan_runner: no_such_module: ModuleNotFoundError:" \
        " No module named 'no_such_module'"


def test_a_module_without_functions_is_refused(tmp_path):
    (tmp_path / "empty.py").write_text("x = 1\n")
    with Runner(python("empty", path=tmp_path)) as runner:
        assert runner.hear() is None
        code, errors = runner.ended()
    assert (code, errors) == (
        1, "banyan_runner: empty has no public function\n")


def test_another_protocol_version_is_refused():
    with Runner(python("sample"), greet=False) as runner:
        runner.say([1, 0, {"v": 2}])
        assert runner.hear() is None
        assert runner.ended()[0] == 1


# ---- values --------------------------------------------------------------


@pytest.mark.parametrize("value", [
    None, True, 0, -1, 2 ** 63, 2 ** 64 - 1, -2 ** 63, 1.5, "", "äöü €😀\0",
    "x" * 70000, [], [[[]]], {}, {"a": {"b": [1, {"c": None}]}},
    list(range(1000)), {str(i): i for i in range(1000)}])
def test_values_come_back_as_they_went(adapter, value):
    assert adapter.value("sample.echo", value) == value


def test_a_nan_stays_one(adapter):
    assert math.isnan(adapter.value("sample.echo", float("nan")))
    assert adapter.value("sample.echo", float("-inf")) == -math.inf


def test_many_arguments_come_in_order(adapter):
    assert adapter.value("sample.echo", *range(300)) == list(range(300))


@pytest.mark.parametrize("what, value", [
    ("datetime", datetime.datetime(2026, 1, 2, 3, 4, 5,
                                   tzinfo=datetime.timezone.utc)),
    ("date", "2026-01-02"), ("decimal", "1.10"),
    ("uuid", "00000000-0000-0000-0000-000000000001"), ("set", [1]),
    ("tuple", [1, [2]]), ("point", {"x": 1, "y": 2}), ("colour", "red"),
    ("ordered", {"a": 1}), ("bytes", b"\x00\xff"), ("most", 2 ** 64 - 1),
    ("least", -2 ** 63)])
def test_common_types_have_a_form_that_travels(process, what, value):
    assert process.value("sample.value_of", what) == value


@pytest.mark.parametrize("what, text", [
    ("naive", "time zone"), ("huge", "out of range"), ("object", "object"),
    ("surrogate", "surrogates"), ("function", "function")])
def test_what_cannot_travel_is_a_bad_result(process, what, text):
    kind, code, said = process.call("sample.value_of", what)
    assert (kind, code) == (ERROR, "bad_result")
    assert text in said
    assert process.value("sample.echo", 1) == 1


def test_a_list_that_holds_itself_is_a_bad_result(process):
    assert process.call("sample.itself")[:2] == [ERROR, "bad_result"]


def test_a_result_above_the_limit_is_a_bad_result():
    with Runner(python("sample"), max_bytes=100_000) as runner:
        runner.ready()
        assert len(runner.value("sample.big", 90_000)) == 90_000
        kind, code, text = runner.call("sample.big", 100_000)
        assert (kind, code) == (ERROR, "bad_result")
        assert "100000" in text
        assert runner.value("sample.echo", 1) == 1


def test_an_instant_python_cannot_hold_does_no_harm(process):
    import msgpack
    before_python = msgpack.Timestamp(-62167219200, 0)  # the year 0
    assert process.value("sample.type_of", before_python) == "Timestamp"
    assert process.value("sample.type_of", msgpack.Timestamp(0)) == "datetime"
    assert process.value("sample.echo", 1) == 1


# ---- failures ------------------------------------------------------------


def test_an_exception_is_an_error_with_class_and_text(adapter):
    assert adapter.call("sample.fail", "no luck") == [
        ERROR, "exception", "ValueError: no luck"]
    assert adapter.call("sample.echo", 1) == [RESULT, 1]


def test_a_long_or_broken_text_is_cut_and_escaped(process):
    text = process.call("sample.fail", "é" * 5000)[2]
    assert len(text) == 500
    assert process.call("sample.fail_strangely") == [
        ERROR, "exception", "Strange"]
    kind, code, text = process.call("sample.fail", {"a": 1})
    assert (kind, code, text) == (ERROR, "exception", "ValueError: {'a': 1}")


def test_wrong_arguments_are_the_functions_exception(process):
    kind, code, text = process.call("sample.nap")
    assert (kind, code) == (ERROR, "exception")
    assert text.startswith("TypeError: nap() missing 1 required")


def test_a_function_that_exits_fails_alone(adapter):
    assert adapter.call("sample.leave") == [
        ERROR, "exception", "SystemExit: 3"]
    assert adapter.value("sample.echo", 1) == 1


def test_a_traceback_goes_to_the_log_once():
    with Runner(python("sample")) as runner:
        runner.ready()
        for _ in range(100):
            assert runner.call("sample.fail", "no")[0] == ERROR
        runner.say([DRAINING, 0])
        errors = runner.ended()[1]
    assert errors.count("ValueError: no") == 1
    assert "sample.fail: Traceback" in errors
    assert "sample.py" in errors


def test_what_is_printed_goes_out_line_by_line(process):
    assert process.call("sample.say", "hello") == [RESULT, None]
    process.say([DRAINING, 0])
    assert process.process.stdout.read() == b"hello\n"
    assert process.process.stderr.read() == b"hello\n"


@pytest.mark.parametrize("function", ["fill_memory",
                                      "fill_memory_to_the_brim"])
def test_memory_used_up_fails_the_call_and_asks_for_a_new_life(function):
    limit = 512 << 20

    def small():
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    with Runner(python("sample"), limit=small) as runner:
        runner.ready()
        call = runner.start(f"sample.{function}")
        heard = [runner.hear(), runner.hear()]
        assert [RECYCLE, 0] in heard
        assert [ERROR, call, "exception", "MemoryError"] in heard
        assert runner.value("sample.echo", 1) == 1


# ---- time ----------------------------------------------------------------


def test_a_call_whose_deadline_passed_does_not_run(process):
    nap = process.frame_of_call("sample.nap", 300)
    late = process.frame_of_call("sample.echo", "ran", deadline_ms=20)
    process.say(nap, late)
    assert process.hear()[:2] == [RESULT, nap[1]]
    assert process.hear()[:3] == [ERROR, late[1], "expired"]


def test_a_function_knows_how_much_time_is_left(adapter):
    assert adapter.value("sample.left") is None
    assert 0 < adapter.value("sample.left", deadline_ms=60000) <= 60000


def test_a_function_knows_its_caller(adapter):
    assert adapter.value("sample.who") == {}
    assert adapter.value("sample.who", caller={"user_id": "u1"}) == {
        "user_id": "u1"}


@pytest.mark.parametrize("work", ["nap", "turn"])
def test_pings_are_answered_while_a_function_works(adapter, work):
    call = adapter.start(f"sample.{work}", 1500)
    for number in range(1, 4):
        adapter.say([PING, number])
        assert adapter.hear() == [PING, number]
    assert adapter.hear() == [RESULT, call, 1500]


def test_a_second_long_call_is_watched_too(process):
    for number in (1, 2):
        process.value("sample.nap", 1300)  # long enough to park the watcher
        call = process.start("sample.nap", 500)
        process.say([PING, number])
        assert process.hear() == [PING, number]
        assert process.hear() == [RESULT, call, 500]


def test_what_holds_the_interpreter_is_silent(adapter):
    adapter.start("sample.hold")
    adapter.began()
    # the first may still come between its word and its deed
    with pytest.raises(TimeoutError):
        for number in range(1, 50):
            adapter.say([PING, number])
            assert adapter.hear(deadline_s=1.0) == [PING, number]


def test_a_function_hears_that_nobody_waits(adapter):
    call = adapter.start("sample.until_cancelled")
    adapter.began()
    adapter.say([CANCEL, call])
    assert adapter.hear() == [RESULT, call, "cancelled"]


def test_a_call_cancelled_before_it_began_does_not_run(process):
    nap = process.start("sample.nap", 400)
    call = process.start("sample.echo", "ran")
    process.say([CANCEL, call])
    assert process.hear()[:2] == [RESULT, nap]
    assert process.hear()[:3] == [ERROR, call, "expired"]


# ---- streams -------------------------------------------------------------


def chunks_of(runner, call):
    """(values of the chunks, the frame that ended them)."""
    values = []
    while (said := runner.hear())[0] == CHUNK:
        assert said[1:3] == [call, len(values)]
        values.append(said[3])
    assert said[1] == call
    return values, said


def test_a_generator_is_a_stream(adapter):
    call = adapter.start("sample.count", 1000, credit=1 << 20)
    assert chunks_of(adapter, call) == (list(range(1000)), [END, call])


def test_an_empty_generator_only_ends(adapter):
    call = adapter.start("sample.count", 0, credit=10)
    assert adapter.hear() == [END, call]


def test_any_iterator_and_async_generators_are_streams(adapter):
    call = adapter.start("sample.mapped", ["a", "b"], credit=100)
    assert chunks_of(adapter, call)[0] == ["A", "B"]
    call = adapter.start("sample.later_each", 3, credit=100)
    assert chunks_of(adapter, call)[0] == [0, 1, 2]


def test_a_coroutine_is_awaited(adapter):
    assert adapter.value("sample.later", "v") == "v"


def test_a_function_called_as_a_stream_gives_one_result(adapter):
    assert adapter.call("sample.echo", 5, credit=100) == [RESULT, 5]


def test_a_stream_called_for_one_result_is_a_bad_result(adapter):
    assert adapter.call("sample.count", 3)[:2] == [ERROR, "bad_result"]
    assert adapter.call("sample.later_each", 3)[:2] == [ERROR, "bad_result"]


def test_an_exception_in_a_stream_ends_it(adapter):
    call = adapter.start("sample.count_and_fail", 3, credit=100)
    values, end = chunks_of(adapter, call)
    assert values == [0, 1, 2]
    assert end == [ERROR, call, "exception", "KeyError: 'enough'"]


def test_credit_is_kept_to_the_byte(adapter):
    # a blob of 100 takes 102 bytes; a chunk may begin while one byte is left
    call = adapter.start("sample.blobs", 10, 100, credit=204)
    for index in range(2):
        assert adapter.hear()[:3] == [CHUNK, call, index]
    stands_still(adapter, 1)
    adapter.say([CREDIT, call, 1])
    assert adapter.hear()[:3] == [CHUNK, call, 2]
    adapter.say([CREDIT, call, 101])
    stands_still(adapter, 2)  # what was overdrawn is paid first
    adapter.say([CREDIT, call, 1])
    assert adapter.hear()[:3] == [CHUNK, call, 3]
    adapter.say([CREDIT, call, 1 << 20])
    for index in range(4, 10):
        assert adapter.hear()[:3] == [CHUNK, call, index]
    assert adapter.hear() == [END, call]


def stands_still(runner, number):
    """It answers, a few times over, and sends no chunk."""
    for n in range(3):
        runner.say([PING, 10 * number + n])
        assert runner.hear() == [PING, 10 * number + n]


def test_a_cancelled_stream_ends_and_its_generator_is_closed(adapter):
    call = adapter.start("sample.for_ever", credit=10)
    for _ in range(10):
        assert adapter.hear()[0] == CHUNK
    adapter.say([CANCEL, call])
    assert adapter.hear() == [END, call]
    assert adapter.value("sample.was_closed") == ["for_ever"]


def test_a_stream_in_full_flow_hears_its_cancel(adapter):
    call = adapter.start("sample.for_ever", credit=1 << 30)
    assert adapter.hear()[0] == CHUNK
    adapter.say([CANCEL, call])
    while (said := adapter.hear())[0] == CHUNK:
        pass
    assert said == [END, call]


def test_a_chunk_that_cannot_travel_ends_the_stream(adapter):
    call = adapter.start("sample.mapped", [1], credit=100)
    assert adapter.hear()[:3] == [ERROR, call, "exception"]


# ---- many at once --------------------------------------------------------


def test_threads_work_at_the_same_time(thread):
    calls = {thread.start("sample.meet") for _ in range(4)}
    assert {tuple(thread.hear()) for _ in range(4)} == {
        (RESULT, c, True) for c in calls}


def test_a_short_call_overtakes_a_long_one(thread):
    long = thread.start("sample.until_cancelled")
    thread.began()
    for i in range(100):
        assert thread.value("sample.echo", i) == i
    thread.say([CANCEL, long])
    assert thread.hear() == [RESULT, long, "cancelled"]


def test_a_batch_of_calls_is_answered_whole(adapter):
    frames = [adapter.frame_of_call("sample.echo", i) for i in range(2000)]
    adapter.say(*frames)
    heard = {f[1]: f[2] for f in (adapter.hear() for _ in frames)}
    assert heard == {f[1]: i for i, f in enumerate(frames)}


def test_draining_finishes_what_was_given(adapter):
    calls = [adapter.start("sample.nap", 100) for _ in range(4)]
    adapter.say([DRAINING, 0])
    assert sorted(adapter.hear()[1] for _ in calls) == calls
    assert adapter.hear() is None
    assert adapter.ended()[0] == 0


def test_term_lets_a_call_finish(adapter):
    call = adapter.start("sample.until_cancelled")
    adapter.began()
    adapter.process.send_signal(signal.SIGTERM)
    adapter.say([CANCEL, call])
    assert adapter.hear() == [RESULT, call, "cancelled"]
    assert adapter.ended()[0] == 0


def test_term_ends_an_idle_runner(adapter):
    adapter.say([PING, 1])
    assert adapter.hear() == [PING, 1]
    adapter.process.send_signal(signal.SIGTERM)
    assert adapter.ended()[0] == 0


def test_a_busy_runner_leaves_when_the_pool_is_gone(adapter):
    adapter.start("sample.until_cancelled")
    adapter.began()
    adapter.sock.close()
    assert adapter.ended()[0] == 0


# ---- descriptors and children --------------------------------------------


def test_children_do_not_get_the_pools_socket(adapter):
    assert 3 in adapter.value("sample.descriptors")
    assert "socket:" not in adapter.value("sample.child_descriptors")
    assert adapter.value("sample.echo", 1) == 1


def test_a_forked_child_that_comes_back_answers_nothing(process):
    assert process.call("sample.fork_and_return") == [RESULT, "parent"]
    process.say([PING, 1])
    assert process.hear() == [PING, 1]


def test_the_environment_is_what_the_pool_gave(process):
    environment = process.value("sample.environment")
    assert environment["BANYAN_POOL"] == "p"
    assert environment["BANYAN_RUNNER"] == "p/1"
    assert os.environ.get("HOME") is None or "HOME" not in environment


# ---- the guide and the examples ------------------------------------------


def test_the_guides_first_example_runs(tmp_path):
    source = re.search(r"```python\n# greetings.py\n(.*?)```",
                       GUIDE.read_text(), re.S)[1]
    (tmp_path / "greetings.py").write_text(source)
    with Runner(python("greetings", path=tmp_path)) as runner:
        runner.ready()
        assert runner.value("greetings.greet", "Ann") == {"text": "Hello Ann"}
        assert runner.call("greetings.greet", "") == [
            ERROR, "exception", "ValueError: who?"]


def test_what_the_guide_says_works_without_a_runner():
    source = re.search(r"```python\n(import banyan\n.*?)```",
                       GUIDE.read_text(), re.S)[1]
    lines = [f"print({line.split('#')[0].strip()})" if "banyan." in line
             else line for line in source.splitlines()]
    done = subprocess.run(
        ["/usr/bin/python3", "-c", "\n".join(lines)], cwd=GUIDE.parent,
        env={"PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True,
        check=True)
    assert done.stdout.split() == ["False", "None", "{}"]


@pytest.mark.parametrize("threads", [1, 4])
def test_the_demos_functions_work(threads):
    with Runner(python("text", path=EXAMPLES), threads=threads) as runner:
        runner.ready()
        assert runner.value("text.slugify", "Grüße, Welt!") == "grusse-welt"
        assert runner.value("text.word_count", "to be or not to be") == {
            "be": 2, "to": 2, "not": 1, "or": 1}
        call = runner.start("text.countdown", 3, credit=100)
        assert chunks_of(runner, call) == ([3, 2, 1], [END, call])


# ---- options -------------------------------------------------------------


def test_thread_safety_is_asked_for():
    with Runner(python("sample"), threads=2,
                environment={"BANYAN_THREAD_CHECKS": "1"}) as runner:
        runner.ready()
        runner.say([DRAINING, 0])
        assert runner.ended()[1] == \
            "sample does not say thread_safe = True\n"


def test_a_runner_may_say_that_it_answers_only_when_idle():
    with Runner(python("sample", options=["--answers", "idle"])) as runner:
        assert runner.ready()["answers"] == "idle"


# ---- the runners that test pools -----------------------------------------


EVIL = ["/usr/bin/python3", str(RUNNERS / "evil.py")]


def evil_names():
    listed = subprocess.run([*EVIL, "list"], capture_output=True, text=True,
                            check=True).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    assert all(len(row) == 3 for row in rows), "each says what it does"
    return [name for name, when, _ in rows if when == "call"]


@pytest.mark.parametrize("name", evil_names())
def test_an_evil_runner_is_a_good_one_until_it_is_provoked(name):
    with Runner([*EVIL, name]) as runner:
        assert runner.ready()["capacity"] == 1
        assert runner.value("m.echo", "hi") == "hi"
        assert runner.value("m.pid") == runner.process.pid
        runner.say([PING, 1])
        assert runner.hear() == [PING, 1]
