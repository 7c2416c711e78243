"""A password in a node's URL is nobody's to read, wherever nodes are shown."""
import json

import pytest

from monitor_client import get
from tree import SETTINGS, Tree, until

SECRET = "Pl4nted-S3cret"
NODES = f"""\
  - {{name: leaky, url: "tcp://ann:{SECRET}@127.0.0.1:9"}}
"""
SERVICES = """\
  - {service: leaky_service, nodes: [leaky]}
security: {node_urls: ["ipc://*", "tcp://*"]}
"""
PAGES = [["nodes"], ["services"], ["debug"], ["stats"], ["cluster"],
         ["flows", "--all"], ["functions", "list"], ["health"], ["tree"],
         ["overview"], ["why", "gateway/1"], ["why", "puller"],
         ["flow", "test", "leaks"], ["functions", "show", "test", "leaks"],
         ["functions", "export"], ["settings", "show"], ["config", "show"],
         ["telemetry", "events"], ["trace", "tail"]]


@pytest.fixture(scope="module", name="tree")
def one_tree():
    settings = SETTINGS.replace("services:\n", NODES + "services:\n") + SERVICES
    with Tree(settings) as tree:
        done = tree.run_banyan("functions", "add", json.dumps({
            "service": "test", "request_type": "leaks",
            "mfa": {"module": "test", "function": "leaks"},
            "nodes": ["leaky", f"tcp://bob:{SECRET}@127.0.0.1:9"]}))
        assert done.returncode == 0, done.stderr
        until(lambda: "bob:" in tree.run_banyan("nodes").stdout, 10,
              "the gateway knows the node")
        tree.call("test", "leaks")
        yield tree


@pytest.mark.parametrize("page", PAGES, ids=" ".join)
def test_no_command_tells_it(tree, page):
    for words in (page, [*page, "--json"]):
        done = tree.run_banyan(*words)
        assert SECRET not in done.stdout + done.stderr


def test_no_path_of_the_monitor_tells_it(tree):
    paths = [p["path"] for p in get(tree, "/endpoints").json["endpoints"]
             if p.get("method", "GET") == "GET" and "{" not in p["path"]]
    assert {"/topology", "/metrics/transport", "/metrics"} <= set(paths)
    until(lambda: "leaky" in get(tree, "/topology").text, 15,
          "the monitor has looked at the nodes")
    for path in paths:
        assert SECRET.encode() not in get(tree, path).body, path


def test_no_line_of_the_log_tells_it(tree):
    assert SECRET not in tree.log()


def test_a_refused_address_is_told_without_it(tmp_path):
    file = tmp_path / "banyan.yaml"
    file.write_text(SETTINGS.replace("services:\n", NODES.replace(
        "tcp://", "ws://") + "services:\n"))
    with Tree(start=False) as tree:
        done = tree.run_banyan("check", file)
        assert done.returncode == 78
        assert "nodes[1].url" in done.stdout + done.stderr
        assert SECRET not in done.stdout + done.stderr
