"""The examples of workers/relay/README.md, as they stand there."""
import os
import pathlib
import re
import subprocess

import pytest

from phoenix_client import HERE, stock_client_is_here
from relay_members import RelayTree
from tree import STAGE

GUIDE = pathlib.Path(__file__).resolve().parent.parent.parent / \
    "workers" / "relay" / "README.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.S)


@pytest.fixture(scope="module", name="tree")
def the_tree():
    with RelayTree() as tree:
        yield tree


def typed(tree, block, codes=(0,)):
    """What each line of a block prints."""
    env = {**tree.env, "PATH": f"{STAGE}/bin:{os.environ['PATH']}"}
    outputs = []
    for line in block.splitlines():
        done = subprocess.run(["bash", "-c", line], env=env, timeout=60,
                              capture_output=True, text=True, check=False)
        assert done.returncode in codes, (line, done)
        outputs.append(done.stdout)
    return outputs


def test_what_an_operator_types(tree):
    block, _ = blocks("sh")
    outputs = typed(tree, block)
    assert '"relayed"' in outputs[0].replace(" ", "") or \
        "relayed" in outputs[0]
    assert "office" in outputs[2] and "strict_private" in outputs[3]


def test_what_an_operator_types_to_see_whether_it_is_true(tree):
    _, block = blocks("sh")
    # 1: the groups of the other examples may be empty by now
    looked, fixed, last, health = typed(tree, block, codes=(0, 1))
    for page in (looked, fixed, last):
        assert "gateways answered" in page and " orphaned, " in page
    assert "deleted " in fixed and fixed == last
    assert "total_subscriptions" in health


@pytest.mark.skipif(not stock_client_is_here(),
                    reason="npm packages phoenix and ws")
def test_a_member_in_javascript(tree, tmp_path):
    block, = blocks("js")
    program = tmp_path / "member.js"
    program.write_text(block)
    done = subprocess.run(
        ["node", str(program)], timeout=60, capture_output=True, text=True,
        check=False, env={
            **os.environ, "URL": f"ws://127.0.0.1:{tree.port}/socket",
            "NODE_PATH": str(HERE.parent / "node_modules")})
    assert (done.returncode, done.stdout) == (0, "lobby hello\n"), done


def test_every_request_of_the_table_is_one_of_the_gateway(tree):
    names = set()
    for row in re.findall(r"^\| (`.*?) \|", GUIDE.read_text(), re.M):
        names |= set(re.findall(r"`([a-z]+)`", row))
    source = (GUIDE.parent.parent / "gateway" / "builtins.c").read_text()
    built = set(re.findall(r"\bB\((\w+), (?:true|false)", source))
    assert built and built <= names, built - names
    for name in built:
        done = tree.run_banyan("call", "relay", name, "{}", timeout=30)
        assert "unsupported function" not in done.stdout + done.stderr
