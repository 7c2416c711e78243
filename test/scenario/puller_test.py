"""The puller against services that come late, change, fail and lie."""
import time

import pytest

from functions_test import listed
from scripted_service import Failure, ScriptedService
from tree import SETTINGS, Tree, until

PULLING = SETTINGS.split("nodes:")[0] + """\
workers:
  puller: {interval_ms: INTERVAL, first_ms: 100, timeout_ms: 500}
nodes:
  - {name: n1, url: "ipc://${runtime_dir}/services/n1.ipc"}
  - {name: n2, url: "ipc://${runtime_dir}/services/n2.ipc"}
services:
  - {service: s, nodes: [n1, n2]}
"""


def config(name, service="s", **more):
    return {"request_type": name, "service": service,
            "mfa": {"module": "m", "function": name}, **more}


def pulling(interval=60000):
    return Tree(PULLING.replace("INTERVAL", str(interval)), service=False)


def serve(tree, functions, node="n1", version="v1", **more):
    answers = {"get_config": lambda args: functions, **more}
    if version is not None:
        answers.setdefault("get_config_version", lambda args: version)
    return ScriptedService(tree.run / "services" / f"{node}.ipc", **answers)


def names(tree):
    return {name for name, _ in listed(tree)}


def entry(tree):
    return tree.banyan("services", "list")[0]


def test_the_tree_starts_without_services_and_finds_a_late_one_soon():
    with pulling() as tree:
        until(lambda: entry(tree)["failures"] > 1, what="pulls are tried")
        assert names(tree) == set()
        with serve(tree, [config("a")]):
            until(lambda: names(tree) == {"a"}, 5, "the service is found")
            assert entry(tree)["state"] == "up"
            assert entry(tree)["functions"] == ["a"]


def test_an_unchanged_version_is_skipped_and_force_pull_fetches_all():
    with pulling(200) as tree, serve(tree, [config("a")]) as service:
        until(lambda: service.count("get_config_version") > 4)
        assert service.count("get_config") == 1
        tree.banyan("services", "force-pull")
        until(lambda: service.count("get_config") == 2)


def test_a_version_that_cannot_be_asked_means_a_full_fetch():
    def broken(args):
        raise Failure("no version today")
    with pulling(200) as tree, \
            serve(tree, [config("a")], get_config_version=broken) as service:
        until(lambda: service.count("get_config") > 2)
        assert names(tree) == {"a"}


def test_what_a_service_drops_goes_and_a_disable_stays():
    sent, version = [config("a"), config("b")], ["v1"]
    with pulling(200) as tree, \
            serve(tree, sent, get_config_version=lambda _: version[0]):
        until(lambda: names(tree) == {"a", "b"})
        tree.banyan("functions", "disable", "s", "a")
        del sent[1]
        sent.append(config("c", timeout=900))
        sent[0]["timeout"] = 900
        version[0] = "v2"
        until(lambda: names(tree) == {"a", "c"})
        assert listed(tree)[("a", None)] is True


def test_one_bad_function_and_a_wrong_service_name_block_nothing():
    sent = [config("bad", timeout=1), config("good"),
            config("renamed", service="other")]
    with pulling() as tree, serve(tree, sent):
        until(lambda: names(tree) == {"good", "renamed"})
        shown = tree.banyan("functions", "show", "s", "renamed")
        assert shown["service"] == "s" and shown["nodes"] == ["n1", "n2"]
        until(lambda: "service_renamed" in tree.log())
        record = tree.banyan("failed", "list")[0]
        assert (record["request_type"], record["source"], record["node"]) == \
            ("bad", "pull", "n1")
        assert "timeout must be" in record["reason"][0]


def test_a_target_the_service_does_not_list_is_refused_and_recorded():
    answer = {"functions": [config("a"), config("ghost")],
              "targets": [["m", "a"]]}
    with pulling() as tree, serve(tree, answer):
        until(lambda: names(tree) == {"a"})
        until(lambda: tree.banyan("failed", "count")["count"] == 1)
        record = tree.banyan("failed", "list")[0]
        assert record["request_type"] == "ghost" and record["node"] == "n1"
        assert record["reason"] == ['module "m" not loaded on node "n1"']


def test_a_silent_first_node_does_not_starve_the_second():
    def silent(args):
        time.sleep(3)
    with pulling() as tree, \
            serve(tree, [config("never")], get_config_version=silent,
                  get_config=silent), \
            serve(tree, [config("a")], node="n2"):
        until(lambda: names(tree) == {"a"}, 10)


@pytest.mark.parametrize("answer", ["a text", 5, {"nothing": 1}, None])
def test_an_answer_that_is_no_list_goes_to_the_next_node(answer):
    with pulling() as tree, serve(tree, answer), \
            serve(tree, [config("a")], node="n2"):
        until(lambda: names(tree) == {"a"}, 10)


def test_functions_stay_usable_while_their_service_is_away():
    with pulling(200) as tree:
        with serve(tree, [config("a")]):
            until(lambda: names(tree) == {"a"})
        until(lambda: entry(tree)["state"] == "failing")
        assert names(tree) == {"a"}
        with serve(tree, [config("b")], version="v2"):
            until(lambda: names(tree) == {"b"}, 10)
            until(lambda: entry(tree)["failures"] == 0)
            assert "service_recovered" in tree.log()
