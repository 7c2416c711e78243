"""permission_callback of functions that run in the tree: the pool decides."""
import pathlib

import pytest

from local_tree import LocalTree, function

HERE = pathlib.Path(__file__).resolve().parent
POOL = {"name": "default", "worker_profile": "process", "pool_size": 1,
        "adapter": "python", "modules": ["gate_module"],
        "python_path": str(HERE), "startup_batch_delay_ms": 10}
MAY = ["gate_module", "may", ["extra"]]


def gated(name, arguments, python="who", **more):
    return function(name, arguments, mfa=["gate_module", python, []], **more)


GATED = [
    gated("open", {}),
    gated("asked", {}, "asked"),
    gated("guarded", {"say": "string"}, permission_callback=MAY),
    gated("missing", {"say": "string"},
          permission_callback=["gate_module", "nothing_of_that_name", []]),
]


@pytest.fixture(scope="module", name="tree")
def started():
    with LocalTree([POOL], more=GATED) as tree:
        tree.until_ready_runners(1)
        yield tree


def test_a_local_callback_decides_in_the_pool_that_runs_the_call(tree):
    client = tree.client()
    assert tree.ask(client, "open")["result"] == "default/1"
    assert tree.ask(client, "guarded", say="yes")["result"] == "default/1"
    for say in ("no", "perhaps", "fail"):
        got = tree.ask(client, "guarded", say=say)
        assert (got["code"], got["error"]) == ("denied", "Permission denied")
    runner, questions, last = tree.ask(client, "asked")["result"]
    assert (runner, questions) == ("default/1", 4)
    assert last[0]["request_type"] == "guarded" and last[1] == "extra"
    assert last[0]["user_id"] is None and last[0]["args"] == {"say": "fail"}


def test_a_callback_that_is_not_there_denies(tree):
    got = tree.ask(tree.client(), "missing", say="yes")
    assert got["code"] == "denied"
