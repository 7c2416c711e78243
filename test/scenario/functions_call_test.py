"""What a client's call meets: versions, disables, arguments as declared."""
import json

import pytest

from puller_test import config, pulling, serve
from tree import until


def served(tree, *functions):
    """A service whose every function answers with the arguments it got."""
    targets = {name: lambda args: {"args": args}
               for name in {f["mfa"]["function"] for f in functions}}
    return serve(tree, list(functions), **targets)


def call(tree, function, args=None, **options):
    return tree.call("s", function, args, **options)[1]


def until_callable(tree, function, args=None):
    until(lambda: call(tree, function, args)["success"], 10,
          f"{function} answers")


def test_without_a_version_the_highest_enabled_one_answers():
    versions = ("9.0.0", "10.0.0-rc.1", "10.0.0")
    with pulling() as tree, served(
            tree,
            config("f", mfa={"module": "m", "function": "none"}),
            *(config("f", version=v,
                     mfa={"module": "m", "function": "f", "args": [v]})
              for v in versions)):
        until_callable(tree, "f")
        for version in reversed(versions):
            assert call(tree, "f")["result"] == {"args": [version]}
            tree.banyan("functions", "disable", "s", "f",
                        "--version", version)
            until(lambda v=version: call(tree, "f", version=v)["error"] ==
                  f"disabled function: f version {v}")
        # only the one without a version is left
        assert call(tree, "f")["result"] == {"args": []}
        tree.banyan("functions", "enable", "s", "f", "--version", "9.0.0")
        until(lambda: call(tree, "f")["result"] == {"args": ["9.0.0"]})
        assert call(tree, "f", version="7.0.0")["error"] == \
            "unsupported function: f version 7.0.0"


def test_a_function_changes_under_the_clients_without_a_restart():
    with pulling() as tree, served(tree, config("f")):
        until_callable(tree, "f")
        life = tree.life("gateway/1")
        tree.banyan("functions", "update", json.dumps(
            {**config("f"), "nodes": ["n1"],
             "mfa": {"module": "m", "function": "f", "args": ["new"]}}))
        until(lambda: call(tree, "f")["result"] == {"args": ["new"]})
        tree.banyan("functions", "delete", "s", "f")
        until(lambda: call(tree, "f")["code"] == "not_found")
        assert tree.life("gateway/1") == life


ARGUMENTS = {"arg_types": {"id": "string",
                           "n": {"type": "num", "default": 7}}}


@pytest.mark.parametrize("orders, got", [
    (["n", "id"], ["fixed", 7, "x"]),
    ("map", ["fixed", {"id": "x", "n": 7}]),
    ([], ["fixed", {"id": "x", "n": 7}]),
])
def test_arguments_arrive_in_the_declared_shape(orders, got):
    shaped = config("f", **ARGUMENTS, arg_orders=orders, mfa={
        "module": "m", "function": "f", "args": ["fixed"]})
    with pulling() as tree, served(tree, shaped):
        until_callable(tree, "f", {"id": "x"})
        assert call(tree, "f", {"id": "x"})["result"] == {"args": got}


def test_a_wrong_argument_is_told_in_words_that_are_safe():
    with pulling() as tree, served(tree, config("f", **ARGUMENTS)):
        until_callable(tree, "f", {"id": "x"})
        for args, text in (
                ({}, 'missing or nil argument "id" in "f"'),
                ({"id": 5},
                 'invalid argument type for "id", expected :string, got 5'),
                ({"id": "x", "n": "\u0007"},
                 'invalid argument type for "n", expected :num, got "\\a"'),
                ({"id": "x" * 3001},
                 'invalid argument size for "id", max 3000 bytes'),
                ({"id": "x", "y": 1},
                 'extra arguments for "f", extra: ["y"]')):
            answer = call(tree, "f", args)
            assert answer["error"] == "Invalid request: " + text
            assert answer["code"] == "invalid_argument"


def test_the_callers_facts_are_the_last_argument():
    with pulling() as tree, served(tree, config("f", request_info=True)):
        until_callable(tree, "f")
        facts = call(tree, "f")["result"]["args"][-1]
        assert {"request_id", "user_id", "device_id"} <= set(facts)
