"""Streams of the C SDK, seen from a gateway that is slow, stops, or goes."""
import os
import pathlib
import random
import socket
import subprocess
import time

import pytest
from gateway_peer import CANCEL, CHUNK, CREDIT, END, ERROR, RESULT, Gateway

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("BANYAN_BUILD", "build")
ENDLESS = 100_000_000
WINDOW = 64 * 1024
STREAMS = 64


class Demo:
    """user_service on a path of its own."""

    def __init__(self, folder):
        self.url = f"ipc://{folder}/s"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [BUILD / "protocol" / "service" / "user_service", self.url])
        end = time.monotonic() + 10
        while True:
            assert time.monotonic() < end, "the service does not listen"
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(self.url.removeprefix("ipc://"))
                return
            except OSError:
                time.sleep(0.01)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def rss(self):
        """KiB of memory."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])


@pytest.fixture(name="demo")
def one_service(tmp_path):
    service = Demo(tmp_path)
    yield service
    service.kill()


def packed_bytes(number):
    """How many bytes of credit a number costs."""
    for most, size in ((0x80, 1), (0x100, 2), (0x10000, 3), (1 << 32, 5)):
        if number < most:
            return size
    return 9


def test_a_stream_comes_in_order_and_ends(demo):
    with Gateway(demo.url) as gateway:
        frames = gateway.answer(gateway.call("count", [1000], WINDOW))
    assert [f[2:] for f in frames[:-1]] == [[i, i] for i in range(1000)]
    assert frames[-1][0] == END


def test_a_stream_keeps_to_its_credit_and_goes_on_with_more(demo):
    with Gateway(demo.url) as gateway:
        number = gateway.call("count", [ENDLESS], 10)
        allowed, used = 10, 0
        for step in range(50):
            while used < allowed:
                frame = gateway.frame()
                assert frame[:2] == [CHUNK, number]
                used += packed_bytes(frame[3])
            # an answer to a later call is the proof that nothing else came
            echo = gateway.call("echo", ["x"])
            assert gateway.frame() == [RESULT, echo, "x"], step
            more = random.randrange(1, 30)
            gateway.send([CREDIT, number, more])
            allowed += more


def test_a_report_answers_late_and_is_overtaken(demo):
    with Gateway(demo.url) as gateway:
        late = gateway.call("report", [500])
        echo = gateway.call("echo", ["x"])
        assert gateway.frame() == [RESULT, echo, "x"]
        assert gateway.frame() == [
            RESULT, late, {"report": "users", "count": 3}]


@pytest.mark.parametrize("function,args,credit", [
    ("count", [ENDLESS], 10), ("report", [60000], 0)])
def test_the_id_of_an_open_call_used_again_ends_the_connection(
        demo, function, args, credit):
    with Gateway(demo.url) as gateway:
        gateway.call(function, args, credit)
        gateway.ids = iter([1])
        gateway.call(function, args, credit)
        with pytest.raises(ConnectionError):
            while True:
                gateway.frame()
    with Gateway(demo.url) as gateway:  # and nothing else
        assert gateway.answer(gateway.call("echo", ["x"]))[-1][2] == "x"


@pytest.mark.parametrize("frame", [
    [CREDIT, 999, 1 << 40], [CREDIT, 1, (1 << 64) - 1], [CANCEL, 999],
    [CANCEL, 0], [CREDIT, 0, 1]])
def test_credit_and_cancels_for_nobody_are_stepped_over(demo, frame):
    with Gateway(demo.url) as gateway:
        number = gateway.call("count", [5], 1)
        gateway.send(frame, frame)
        gateway.send([CREDIT, number, 100])
        assert gateway.answer(number)[-1][0] == END


def test_a_stream_called_for_one_answer_is_refused_alone(demo):
    with Gateway(demo.url) as gateway:
        frames = gateway.answer(gateway.call("count", [10]))
        assert [f[0] for f in frames] == [ERROR]
        assert frames[0][2] == "bad_result"
        assert gateway.answer(gateway.call("echo", ["x"]))


@pytest.mark.parametrize("credit", [WINDOW, 1 << 29])
def test_the_service_stays_small_while_its_reader_stops(demo, credit):
    with Gateway(demo.url) as gateway:
        for _ in range(STREAMS):
            gateway.call("count", [ENDLESS], credit)
        for _ in range(20_000):
            gateway.frame()
        gateway.waiting.clear()
        before = demo.rss()
        end = time.monotonic() + 2
        while time.monotonic() < end:  # it may send; nobody reads
            time.sleep(0.1)
            assert demo.rss() < before + 4096
        cpu = pathlib.Path(f"/proc/{demo.process.pid}/stat")
        spent = int(cpu.read_text().split()[13])
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            time.sleep(0.1)
        assert int(cpu.read_text().split()[13]) <= spent + 10, "it spins"


def test_cancelled_streams_end_and_leave_nothing_behind(demo):
    with Gateway(demo.url) as gateway:
        def rounds(count):
            for _ in range(count):
                calls = [gateway.call("count", [ENDLESS], WINDOW)
                         for _ in range(STREAMS)]
                gateway.send(*[[CANCEL, number] for number in calls])
                left = set(calls)
                while left:
                    frame = gateway.frame()
                    if frame[0] != CHUNK:
                        assert frame[0] in (END, ERROR)
                        left.remove(frame[1])

        rounds(3)
        before = demo.rss()
        rounds(30)
        assert demo.rss() < before + 2048


def test_a_gateway_that_goes_leaves_nothing_behind(demo):
    def visit():
        with Gateway(demo.url) as gateway:
            for _ in range(STREAMS):
                gateway.call("count", [ENDLESS], WINDOW)
            gateway.call("report", [60000])
            gateway.frame()

    for _ in range(5):
        visit()
    before = demo.rss()
    for _ in range(50):
        visit()
    assert demo.rss() < before + 2048
    assert len(os.listdir(f"/proc/{demo.process.pid}/fd")) < 20


def test_streams_of_a_service_killed_again_and_again_never_skip_a_part(demo):
    for _ in range(8):
        with Gateway(demo.url) as gateway:
            calls = [gateway.call("count", [ENDLESS], WINDOW)
                     for _ in range(STREAMS)]
            index = dict.fromkeys(calls, 0)
            kill_at = random.randrange(1000, 20_000)
            with pytest.raises(ConnectionError):
                for seen in range(1_000_000):
                    kind, number, at, value = gateway.frame()
                    assert kind == CHUNK
                    assert at == value == index[number]
                    index[number] += 1
                    if seen % 64 == 0:
                        gateway.send(*[[CREDIT, n, 256] for n in calls])
                    if seen == kill_at:
                        demo.kill()
        demo.start()
    with Gateway(demo.url) as gateway:
        assert gateway.answer(gateway.call("echo", ["x"]))[-1][2] == "x"
