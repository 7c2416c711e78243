"""native_runner, driven by a pool in plain Python, with good and bad plug-ins."""
import os
import pathlib
import pwd
import random
import shutil
import signal
import struct
import subprocess
import time

import pytest
from pool_peer import (CALL, CANCEL, CHUNK, CREDIT, DRAINING, END, ERROR, PING,
                       RESULT, Runner, until)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("BANYAN_BUILD", "build")
NATIVE_RUNNER = BUILD / "workers/worker_pool/native_runner/native_runner"
PLUGINS = BUILD / "test" / "plugins"
USERS = BUILD / "protocol" / "service" / "user_plugin.so"
NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.fixture(name="folder")
def a_folder(tmp_path):
    """A plug-in folder as it should be, with one plug-in in it."""
    folder = tmp_path / "plugins"
    folder.mkdir(mode=0o755)
    shutil.copy(PLUGINS / "trouble.so", folder)
    (folder / "trouble.so").chmod(0o755)
    return folder


@pytest.fixture(name="start")
def starter(folder):
    started = []

    def start(threads=1, **more):
        runner = Runner([NATIVE_RUNNER, folder / "trouble.so"], threads, **more)
        started.append(runner)
        return runner

    yield start
    for runner in started:
        runner.__exit__()


def check(*paths, user=None, program=NATIVE_RUNNER):
    """(exit code, what it says) of --check."""
    done = subprocess.run(
        [str(program), "--check", *map(str, paths)], user=user,
        capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout + done.stderr


# ---- calls ----

def test_a_call_is_answered_and_the_capacity_is_the_threads(start):
    runner = start(threads=4)
    assert runner.hello[2] == {"v": 1, "capacity": 4, "answers": "always"}
    assert runner.result("echo", ["hello"]) == "hello"
    assert runner.result("who", facts={"user_id": "u42"}) == "u42"


def test_the_demo_s_plug_in_answers_as_its_service_does():
    with Runner([NATIVE_RUNNER, USERS], 2, module="users") as runner:
        alice = runner.result("get_user", ["u42"])
        assert alice == {"id": "u42", "name": "Alice",
                         "email": "alice@example.com"}
        frames = runner.answer(runner.call("count", [1000], credit=65536))
        assert [f[2:] for f in frames[:-1]] == [[i, i] for i in range(1000)]
        assert frames[-1][0] == END
        assert runner.result("report", [1]) == {"report": "users", "count": 3}
        bad = runner.answer(runner.call("count", [5]))  # no credit: no stream
        assert [f[0] for f in bad] == [ERROR] and bad[0][2] == "bad_result"


def test_a_batch_is_answered_whole_in_few_writes(start):
    runner = start(threads=16)
    for _ in range(20):  # it learns that echo is short
        runner.result("echo", ["x"])
    calls = [runner.call_frame("echo", [i]) for i in range(1000)]
    runner.send(*calls)
    answers = {}
    while len(answers) < len(calls):
        kind, number, value = runner.frame()
        assert kind == RESULT and number not in answers
        answers[number] = value
    assert answers == {c[1]: c[4][0] for c in calls}


@pytest.mark.parametrize("chop", [1, 3, 7, 1000])
def test_frames_may_come_in_pieces_of_any_size(start, chop):
    runner = start(threads=2)
    frames = [runner.call_frame("echo", ["y" * 50]) for _ in range(20)]
    data = b""
    from scripted_service import pack
    for frame in frames:
        body = pack(frame)
        data += struct.pack(">I", len(body)) + body
    for at in range(0, len(data), chop):
        runner.send_bytes(data[at:at + chop])
    for frame in frames:
        assert runner.answer(frame[1])[-1] == [RESULT, frame[1], "y" * 50]


def test_an_unknown_function_or_module_is_not_found(start):
    runner = start()
    for more in ({"module": "nobody"}, {}):
        frame = runner.answer(runner.call("nonsense", **more))[-1]
        assert frame[0] == ERROR and frame[2] == "not_found"


def test_a_result_that_cannot_be_sent_fails_its_call_alone(start):
    runner = start(max_bytes=8192)
    for function, args in (("half", []), ("big", [9000])):
        frame = runner.answer(runner.call(function, args))[-1]
        assert frame[0] == ERROR and frame[2] == "bad_result"
    assert len(runner.result("big", [8000])) == 8000
    assert runner.result("echo", ["x"]) == "x"


def test_large_frames_pass_both_ways(start):
    runner = start(threads=2)
    much = "x" * 10_000_000
    assert runner.result("echo", [much]) == much


# ---- threads ----

def test_calls_that_block_run_side_by_side(start):
    runner = start(threads=16)
    calls = [runner.call_frame("block", [1000]) for _ in range(16)]
    runner.send(*calls)
    for call in calls:
        assert runner.answer(call[1])[-1][0] == RESULT
    assert runner.result("figures")[0] == 16


def test_a_wrong_guess_costs_a_tick_and_not_a_batch(start):
    runner = start(threads=8)
    for _ in range(50):  # short, as far as it can know
        runner.result("block", [0])
    calls = [runner.call_frame("block", [500]) for _ in range(8)]
    runner.send(*calls)
    for call in calls:
        runner.answer(call[1])
    assert runner.result("figures")[0] > 4


@pytest.mark.parametrize("threads", [1, 4])
def test_pings_are_answered_while_every_thread_is_busy(start, threads):
    runner = start(threads=threads)
    calls = [runner.call("block", [2000]) for _ in range(threads)]
    for number in range(10):
        runner.send([PING, number])
        assert runner.frame() == [PING, number]  # and no result before it
    for call in calls:
        assert runner.answer(call)[-1][0] == RESULT


def test_a_handler_may_answer_from_a_thread_of_its_own(start):
    runner = start(threads=2)
    calls = [runner.call("elsewhere") for _ in range(20)]
    for call in calls:
        assert runner.answer(call)[-1][2] == "elsewhere"
    assert runner.result("echo", ["x"]) == "x"


@pytest.mark.parametrize("threads", [1, 3])
def test_an_answer_may_come_later(start, threads):
    runner = start(threads=threads)
    late = runner.call("later", [300])
    soon = runner.call("later", [1])
    assert runner.frame() == [RESULT, soon, "later"]
    assert runner.result("echo", ["x"]) == "x"
    assert runner.frame() == [RESULT, late, "later"]
    # and when nothing at all happens meanwhile
    rest = time.monotonic() + 0.3
    until(lambda: time.monotonic() > rest)
    assert runner.result("later", [100]) == "later"
    # or every thread is in a handler
    busy = [runner.call("block", [400]) for _ in range(threads)]
    assert runner.answer(runner.call("later", [10]))[-1][2] == "later"
    for call in busy:
        runner.answer(call)


def test_an_idle_runner_uses_no_processor(start):
    runner = start(threads=4)
    runner.result("echo", ["x"])
    stat = pathlib.Path(f"/proc/{runner.process.pid}/stat")

    def ticks():
        fields = stat.read_text().split()
        return int(fields[13]) + int(fields[14])

    status = pathlib.Path(f"/proc/{runner.process.pid}/task")

    def switches():
        return sum(int((t / "status").read_text().split(
            "\nvoluntary_ctxt_switches:")[1].split()[0])
            for t in status.iterdir())

    def is_at_rest():
        before = ticks(), switches()
        end = time.monotonic() + 1
        until(lambda: time.monotonic() > end)
        # a keeper that ticks would be switched to 500 times
        return ticks() - before[0] <= 2 and switches() - before[1] <= 5

    until(is_at_rest, seconds=20)


# ---- deadlines, cancels ----

def test_nothing_is_executed_after_its_deadline(start):
    runner = start(threads=1)
    runner.result("block", [0])
    _, executed, _ = runner.result("figures")
    runner.send(runner.call_frame("block", [300]),
                *[runner.call_frame("echo", ["x"], deadline_ms=50)
                  for _ in range(5)])
    frames = [runner.frame() for _ in range(6)]
    late = [f for f in frames if f[0] == ERROR]
    assert len(late) == 5 and {f[2] for f in late} == {"expired"}
    assert runner.result("figures")[1] == executed + 1


def test_a_call_cancelled_before_it_began_never_does(start):
    runner = start(threads=1)
    _, executed, _ = runner.result("figures")
    busy, waiting = (runner.call_frame("block", [300]),
                     runner.call_frame("echo", ["x"]))
    runner.send(busy, waiting, [CANCEL, waiting[1]])
    assert runner.answer(waiting[1])[-1][2] == "expired"
    runner.answer(busy[1])
    assert runner.result("figures")[1] == executed + 1


def test_a_running_handler_sees_its_cancel(start):
    runner = start(threads=1)
    call = runner.call("until_cancelled")
    rest = time.monotonic() + 0.05
    until(lambda: time.monotonic() > rest)
    runner.send([CANCEL, call])
    assert runner.answer(call)[-1][2] == "stopped"


def test_a_kept_call_hears_of_its_cancel_once_and_is_answered(start):
    runner = start(threads=1)
    kept = [runner.call("keep") for _ in range(10)]
    later = runner.call("later", [60000])
    runner.result("echo", ["all before it have begun"])
    runner.send(*[[CANCEL, number] for number in kept * 2],
                [CANCEL, later], [CANCEL, 999999])
    for number in [*kept, later]:
        assert runner.answer(number)[-1][2] == "expired"
    assert runner.result("figures")[2] == 11


# ---- streams ----

def cost(number):
    return 1 if number < 128 else 2 if number < 256 else \
        3 if number < 65536 else 5


@pytest.mark.parametrize("threads", [1, 4])
def test_a_stream_keeps_to_its_credit_and_goes_on_with_more(start, threads):
    runner = start(threads=threads)
    number = runner.call("numbers", credit=10)
    allowed, used, expected = 10, 0, 0
    for _ in range(100):
        while used < allowed:
            kind, which, at, value = runner.frame()
            assert (kind, which, at, value) == (
                CHUNK, number, expected, expected)
            expected += 1
            used += cost(value)
        assert runner.result("echo", ["x"]) == "x"
        assert not runner.waiting
        more = random.randrange(1, 30)
        runner.send([CREDIT, number, more])
        allowed += more
    runner.send([CANCEL, number])
    assert runner.answer(number)[-1][2] == "expired"


@pytest.mark.parametrize("threads", [1, 3])
def test_streams_without_end_keep_nobody_from_reading(start, threads):
    runner = start(threads=threads)
    calls = [runner.call("numbers", credit=1 << 30) for _ in range(8)]
    seen = dict.fromkeys(calls, 0)
    answered = 0
    runner.send([PING, answered])
    end = time.monotonic() + 60
    while answered < 5 or 0 in seen.values():
        assert time.monotonic() < end, (answered, seen)
        frame = runner.frame()
        if frame[0] == PING:
            answered += 1
            runner.send([PING, answered])
        else:
            seen[frame[1]] += 1
    assert max(seen.values()) < 500_000, "one hogs the way"
    runner.send(*[[CANCEL, number] for number in calls])
    left = set(calls)
    while left:
        frame = runner.frame()
        if frame[0] not in (CHUNK, PING):
            left.remove(frame[1])


def test_streams_wait_for_a_pool_that_does_not_read(start):
    runner = start(threads=4)
    calls = [runner.call("numbers", credit=1 << 29) for _ in range(4)]
    status = pathlib.Path(f"/proc/{runner.process.pid}/status")

    def rss():
        return int(status.read_text().split("VmRSS:")[1].split()[0])

    begun = set()
    while len(begun) < 4:
        begun.add(runner.frame()[1])
    rest = time.monotonic() + 0.5
    until(lambda: time.monotonic() > rest)
    before = rss()
    rest = time.monotonic() + 1
    until(lambda: time.monotonic() > rest)
    assert rss() < before + 2048
    runner.send(*[[CANCEL, number] for number in calls])
    left, index = set(calls), {}
    while left:
        frame = runner.frame()
        if frame[0] == CHUNK:
            assert frame[2] == frame[3]
            assert frame[2] == index.get(frame[1], frame[2])
            index[frame[1]] = frame[2] + 1
        else:
            left.remove(frame[1])
    assert runner.result("figures")[2] == 4


# ---- life and death ----

@pytest.mark.parametrize("threads", [1, 4])
def test_draining_finishes_what_it_has_and_ends_with_0(start, threads):
    runner = start(threads=threads)
    busy = [runner.call("block", [200]) for _ in range(threads)]
    later = runner.call("later", [100])
    runner.send([DRAINING, 0], late := runner.call_frame("echo", ["x"]))
    assert runner.answer(late[1])[-1][2] == "not_dispatched"
    for number in [*busy, later]:
        assert runner.answer(number)[-1][0] == RESULT
    code, out, err = runner.ends()
    assert (code, out, err) == (0, "trouble starts\ntrouble stops\n", "")


def test_an_idle_runner_drains_at_once(start):
    runner = start(threads=4)
    runner.send([DRAINING, 0])
    assert runner.ends()[0] == 0


def test_it_ends_with_its_pool_even_while_it_works(start):
    runner = start(threads=2)
    runner.call("block", [20_000])
    runner.socket.close()
    assert runner.ends(seconds=5)[0] == 0


@pytest.mark.parametrize("data", [
    b"\x00\x00\x00\x01\xc1", b"\xff\xff\xff\xff", b"\x00\x00\x00\x02\x01\x01",
    b"\x00\x00\x00\x00", b"\x00\x00\x00\x03\x92\x02\x01"])
def test_a_pool_that_sends_rubbish_ends_it(start, data):
    runner = start()
    runner.send_bytes(data)
    code, _, err = runner.ends()
    assert code == 75 and "no frame" in err


def test_an_id_given_twice_ends_it(start):
    runner = start()
    runner.send(*[[CALL, 7, "trouble", "keep", [], 0]] * 2)
    code, _, err = runner.ends()
    assert code == 75 and "twice" in err


def test_a_wrong_hello_ends_it(folder):
    with Runner([NATIVE_RUNNER, folder], greet=False) as runner:
        runner.send([1, 0, {"v": 2, "pool": "p", "runner": "p/1",
                            "threads": 1, "max_bytes": 1 << 20}])
        code, _, err = runner.ends()
        assert code == 75 and "HELLO" in err


def test_a_handler_that_crashes_ends_its_runner_and_no_other(start):
    one, other = start(threads=2), start(threads=2)
    kept = other.call("block", [200])
    one.call("die")
    with pytest.raises(ConnectionError):
        one.frame()
    assert one.ends()[0] == -signal.SIGABRT
    assert other.answer(kept)[-1][0] == RESULT


def test_a_handler_that_ends_a_call_twice_ends_its_runner(start):
    runner = start()
    runner.call("twice")
    code, _, err = runner.ends()
    assert code == -signal.SIGABRT and "is_ended" in err


def test_it_wants_a_pool_on_descriptor_3(folder):
    done = subprocess.run([str(NATIVE_RUNNER), str(folder)],
                          capture_output=True, text=True, timeout=10,
                          check=False)
    assert done.returncode == 64 and "--check" in done.stderr


# ---- what it loads ----

def test_check_names_the_functions_of_a_plug_in():
    code, said = check(USERS)
    assert code == 0
    assert "users.get_user(user_id: string) sync\n" in said
    assert "users.count(items: num) stream\n" in said


def test_a_folder_means_every_plug_in_in_it(folder):
    shutil.copy(USERS, folder)
    (folder / "notes.txt").write_text("no plug-in")
    code, said = check(folder)
    assert code == 0 and "users.echo" in said and "trouble.echo" in said
    with Runner([NATIVE_RUNNER, folder], 2) as runner:
        assert runner.result("echo", ["x"]) == "x"
        assert runner.result("get_user", ["u42"], module="users")


def refused(said, *words):
    """One sentence that has all the words."""
    return said.count("\n") == 1 and all(word in said for word in words)


def test_what_is_no_plug_in_is_refused_in_one_sentence(folder):
    for name, words in {
            "wrong_abi": ["another Banyan", "compile"],
            "no_symbol": ["banyan_plugin"]}.items():
        shutil.copy(PLUGINS / f"{name}.so", folder)
        code, said = check(folder / f"{name}.so")
        assert code == 78 and refused(said, f"{name}.so", *words), said
    (folder / "text.so").write_text("not an object\n" * 100)
    code, said = check(folder / "text.so")
    assert code == 78 and refused(said, "text.so", "ELF"), said
    assert check(folder / "absent.so")[0] == 78
    (folder / "pipe.so").unlink(missing_ok=True)
    os.mkfifo(folder / "pipe.so")
    code, said = check(folder / "pipe.so")
    assert code == 78 and refused(said, "pipe.so", "not a file"), said


def test_two_plug_ins_of_one_name_are_refused(folder):
    shutil.copy(folder / "trouble.so", folder / "twin.so")
    code, said = check(folder)
    assert code == 78 and refused(said, "twin.so", "twice"), said


def test_an_empty_folder_is_refused(tmp_path):
    code, said = check(tmp_path)
    assert code == 78 and refused(said, "no plug-in"), said


def test_a_plug_in_that_refuses_to_start_says_so(folder):
    with Runner([NATIVE_RUNNER, folder], greet=False,
                env={"TROUBLE_REFUSES": "1"}) as runner:
        code, _, err = runner.ends()
        assert code == 78 and "trouble refuses to start" in err


def test_a_link_is_refused_wherever_it_leads(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere.so"
    shutil.copy(folder / "trouble.so", elsewhere)
    for name, target in (("out.so", elsewhere), ("in.so", "trouble.so")):
        (folder / name).symlink_to(target)
        code, said = check(folder / name)
        assert code == 78 and refused(said, name, "not a link"), said


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777, 0o1777])
def test_what_others_may_write_is_refused(folder, mode):
    (folder / "trouble.so").chmod(mode & 0o777)
    code, said = check(folder / "trouble.so")
    assert code == 78 and refused(said, "written by others"), said
    (folder / "trouble.so").chmod(0o755)
    folder.chmod(mode)
    code, said = check(folder / "trouble.so")
    assert code == 78 and refused(said, "folder", "written by others"), said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_somebody_else_is_refused(folder, tmp_path):
    """Run as nobody: root could read and own anything."""
    for path in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        path.chmod(path.stat().st_mode | 0o055)
    program = pathlib.Path(shutil.copy(NATIVE_RUNNER, tmp_path))

    def as_nobody(path):
        return check(path, user=NOBODY, program=program)

    path = folder / "trouble.so"
    assert as_nobody(path)[0] == 0  # root's are good for all
    os.chown(path, NOBODY, 0)
    assert as_nobody(path)[0] == 0  # and one's own
    code, said = check(path)  # but nobody's are not good for root
    assert code == 78 and refused(said, f"uid {NOBODY}"), said
    os.chown(path, 12345, 0)
    code, said = as_nobody(path)
    assert code == 78 and refused(said, "uid 12345"), said
    os.chown(path, 0, 0)
    os.chown(folder, 12345, 0)
    code, said = as_nobody(path)
    assert code == 78 and refused(said, "folder", "uid 12345"), said
