"""Streams of local functions have a pool of their own, and time of their own."""
import pytest

from local_tree import LocalTree, function, pool

LONG_MS = 1000  # five times what a call gets that names no time-out


def stream(request_type, runs, arguments, **more):
    return function(request_type, arguments, response_type="stream", mfa={
        "module": "m", "function": runs, "args": []}, **more)


@pytest.fixture(scope="module", name="tree")
def tree_with_both_pools():
    pools = [pool("async_pool", 1), pool("stream_pool", 1)]
    more = [stream("pid_stream", "pid", {}),
            stream("long_stream", "sleep", {"x": "num"}, timeout="infinity"),
            stream("short_stream", "sleep", {"x": "num"}, timeout=200)]
    with LocalTree(pools, more) as tree:
        tree.until_ready_runners(2)
        yield tree


def called(tree, name, *arguments):
    return tree.run_banyan("call", "local", name, *arguments)


def pool_of(tree, pid):
    for name, stats in tree.banyan("pools", "inspect").items():
        if pid in [worker["pid"] for worker in stats["workers"]]:
            return name
    return None


def test_a_stream_runs_in_the_stream_pool_and_a_call_does_not(tree):
    assert pool_of(tree, int(called(tree, "pid").stdout)) == "async_pool"
    assert pool_of(
        tree, int(called(tree, "pid_stream").stdout)) == "stream_pool"


def test_a_stream_without_a_deadline_is_not_cut_by_that_of_calls(tree):
    tree.rewrite(tree.file.read_text().replace(
        "  port: 0\n", "  port: 0\n  default_timeout_ms: 200\n"
        "  infinite_timeout_ms: 200\n", 1))
    assert tree.run_banyan("reload").returncode == 0
    done = called(tree, "long_stream", f'{{"x": {LONG_MS}}}')
    assert done.returncode == 0, done.stderr
    cut = called(tree, "short_stream", f'{{"x": {LONG_MS}}}')
    assert cut.returncode == 1 and "expired" in cut.stderr
