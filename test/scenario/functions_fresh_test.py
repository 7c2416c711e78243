"""What was acknowledged is in force for the very next call."""
import json

from limits_test import Caller
from tree import Tree


def function(name):
    return json.dumps({
        "service": "user_service", "request_type": name, "version": "1.0.0",
        "nodes": ["user_service_1"],
        "mfa": {"module": "user", "function": "get", "args": []},
        "arg_types": {"user_id": "string"}, "arg_orders": ["user_id"],
        "response_type": "sync"})


def test_a_function_just_added_is_there_for_the_next_call():
    with Tree() as tree, Caller(tree.gateway_port()) as caller:
        for number in range(20):
            name = f"fresh{number}"
            assert tree.banyan_ok("functions", "add", function(name))
            first, = caller.ask(request_type=name)
            assert first.get("code") != "not_found", f"{name}: {first}"
            assert tree.banyan_ok(
                "functions", "disable", "user_service", name, "--version",
                "1.0.0")
            first, = caller.ask(request_type=name)
            assert first.get("code") == "disabled", f"{name}: {first}"
