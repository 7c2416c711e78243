"""Services that never saw our SDK serve calls of real clients, end to end."""
import json
import sys

import pytest

from gateway_tree import GatewayTree, request
from tree import ROOT

PEERS = ROOT / "build" / "test" / "link_peers"
SERVICES = {
    "cooked": [str(PEERS / "nng_rep"), "cooked"],
    "raw": [str(PEERS / "nng_rep"), "raw"],
    "python": [sys.executable, str(ROOT / "test" / "link_peers" / "plain.py")],
}
CALLS = 50


@pytest.fixture(scope="module", name="tree")
def one_tree():
    more = "".join(
        f"  - {{name: {name}, url: \"ipc://${{runtime_dir}}/services/"
        f"{name}.ipc\"}}\n" for name in SERVICES)
    with GatewayTree(nodes=()) as tree:
        tree.rewrite(tree.file.read_text() + more)
        tree.banyan("reload")
        for name, command in SERVICES.items():
            url = f"ipc://{tree.run}/services/{name}.ipc"
            tree.start_service(command, url)
            done = tree.run_banyan("functions", "add", json.dumps({
                "service": "test", "request_type": f"say_{name}",
                "nodes": [name],
                "mfa": {"module": "test", "function": "echo"},
                "arg_types": {"text": "string"}}))
            assert done.returncode == 0, done.stderr
        tree.until_live(SERVICES)
        yield tree


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_without_our_sdk_answers_real_clients(tree, name):
    with tree.joined() as client:
        for number in range(CALLS):
            push, reply = client.call(request(
                f"say_{name}", {"text": f"hello {number}"}))
            assert push["success"], push
            assert push["result"] == f"hello {number}"
            assert reply["status"] == "ok"
