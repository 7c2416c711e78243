"""The shipped settings and the README's examples, run as they are printed."""
import json
import pathlib
import re
import subprocess

import pytest

from tree import STAGE, Tree, until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLE = re.compile(r"```sh\n((?:echo|banyan call).*?)```\n```json\n(.*?)```",
                     re.S)
CHANGES = ("timestamp", "from_user_id")  # with the time and the connection


def shipped():
    """etc/banyan.yaml, on ports of the kernel's choice."""
    text = (ROOT / "etc" / "banyan.yaml").read_text()
    return text.replace("port: 4000", "port: 0").replace(
        "port: 4001", "port: 0")


@pytest.fixture(scope="module", name="demo")
def the_demo_tree():
    with Tree(settings=shipped()) as tree:
        until(lambda: tree.run_banyan(
            "call", "text", "slugify", '{"title":"x"}').returncode == 0, 20)
        until(lambda: tree.run_banyan(
            "call", "user_service", "get_user",
            '{"user_id":"u42"}').returncode == 0, 20)
        yield tree


def settled(line):
    value = json.loads(line)
    if isinstance(value, dict):
        return {k: v for k, v in value.items() if k not in CHANGES}
    return value


@pytest.mark.parametrize("command,answer", EXAMPLE.findall(README))
def test_an_example_of_the_readme_answers_as_printed(demo, command, answer):
    env = {**demo.env, "PATH": f"{STAGE / 'bin'}:{demo.env['PATH']}"}
    done = subprocess.run(["/bin/sh", "-c", command], env=env, text=True,
                          capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    got = sorted(map(json.dumps, map(settled, done.stdout.splitlines())))
    assert got == sorted(map(json.dumps, map(settled, answer.splitlines())))


def test_the_readme_has_examples_of_each_kind():
    commands = " ".join(command for command, _ in EXAMPLE.findall(README))
    for kind in "user_service", "users get_user", "slugify", "count", "relay":
        assert kind in commands


def test_the_demo_tree_is_well(demo):
    assert demo.banyan("health")["status"] == "ok"
