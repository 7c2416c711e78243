"""`banyan observe bench`: many real calls through the gateway, and what is
told of them."""
import json
import os
import pty
import signal
import subprocess

import pytest

from tree import BANYAN, Tree, until

CALL = ("user_service", "get_user", '{"user_id": "u42"}')


@pytest.fixture(scope="module", name="tree")
def calling_tree():
    with Tree() as t:
        until(lambda: t.run_banyan("call", *CALL)
              .returncode == 0, 30, "a call")
        yield t


def bench(tree, *words, code=0):
    done = tree.run_banyan("observe", "bench", *words, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def calls_of(tree):
    return tree.banyan("overview", code=None)["calls"]["total"]


def test_a_bench_makes_real_calls_and_tells_how_long_they_took(tree):
    before = calls_of(tree)
    said = bench(tree, *CALL, "--count", "40")
    assert calls_of(tree) - before == 40
    assert said["asked"] == said["calls"] == said["succeeded"] == 40
    assert said["failed"] == 0 and said["errors"] == {}
    assert said["total_ms"] > 0 and said["per_second"] > 0
    ms = said["latency_ms"]
    assert 0 < ms["min"] <= ms["p50"] <= ms["p90"] <= ms["p95"] <= ms[
        "p99"] <= ms["p999"] <= ms["max"]
    assert ms["min"] <= ms["average"] <= ms["max"]
    text = tree.run_banyan("observe", "bench", *CALL, "--count",
                           "3").stdout
    assert "per_second" in text and "p99" in text and "\x1b" not in text


def test_errors_are_told_by_their_class(tree):
    said = bench(tree, "user_service", "nothing", "--count", "5", code=1)
    assert said["failed"] == said["calls"] == 5 and said["succeeded"] == 0
    assert said["errors"] == {"not_found": 5}
    assert said["latency_ms"]["max"] > 0


def test_calls_nobody_answers_are_counted_and_the_next_is_made(tree):
    service = tree.services[-1]
    service.send_signal(signal.SIGSTOP)
    try:
        said = bench(tree, *CALL, "--count", "2",
                     "--timeout", "50", code=1)
    finally:
        service.send_signal(signal.SIGCONT)
    assert said["errors"] == {"timeout": 2} and said["calls"] == 2
    assert said["latency_ms"] is None
    until(lambda: tree.run_banyan("call", *CALL)
          .returncode == 0, 30, "calls again")


def test_a_bench_has_an_end_in_calls_and_in_time(tree):
    said = bench(tree, *CALL, "--count",
                 "1000000", "--for", "1")
    assert 0 < said["calls"] < said["asked"] == 1000000
    for words in (["--count", "0"], ["--count", "1000001"], ["--for", "x"],
                  ["--timeout", "0"], ["--frob"]):
        done = tree.run_banyan("observe", "bench", *CALL, *words)
        assert done.returncode == 64, words
    assert tree.run_banyan("observe", "bench", *CALL,
                           "--url", "ws://127.0.0.1:1/socket").returncode == 3


def all_of(terminal):
    """What was written until the other side closed."""
    said = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # EIO: nobody has it open any more
            return said.decode()
        if not piece:
            return said.decode()
        said += piece


def test_a_terminal_sees_how_far_it_is(tree):
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [BANYAN, "observe", "bench", *CALL, "--count", "20", "--json"],
            stdout=subprocess.PIPE, stderr=theirs, env=tree.env, check=False)
        os.close(theirs)
        said = all_of(ours)
    finally:
        os.close(ours)
    assert done.returncode == 0 and json.loads(done.stdout)["calls"] == 20
    assert "1 of 20 calls, 0 failed" in said and said.endswith("\x1b[K")
