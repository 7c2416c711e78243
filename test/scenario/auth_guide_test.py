"""The guide's examples of authentication run, and its numbers hold."""
import json
import os
import pathlib
import re
import subprocess

from auth_test import facts, knock
from gateway_tree import GatewayTree
from scripted_service import ScriptedService
from tree import SETTINGS, Tree, until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
JWT_COST = os.environ.get("BANYAN_JWT_COST",
                          ROOT / "build" / "test" / "bench" / "jwt_cost")
GUIDE = (ROOT / "workers" / "gateway" / "README.md").read_text()
PART = GUIDE.split("## Who a client is")[1].split("\n## ")[0]


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PART, re.S)


def test_the_guides_key_and_token_let_a_call_through(tmp_path):
    script, = blocks("sh")
    subprocess.run(["bash", "-ec", script], cwd=tmp_path, check=True,
                   timeout=30)
    settings, = [b for b in blocks("yaml") if "mode: jwt" in b]
    settings = settings.replace("/etc/banyan/keys.json",
                                str(tmp_path / "keys.json"))
    with Tree(SETTINGS.replace("auth: {mode: none}\n", settings)) as tree:
        words = re.search(r"`banyan (call user_service get_user) '(.*?)' "
                          r"--token-file token`", PART)
        def call():
            return tree.run_banyan(*words[1].split(), words[2],
                                   "--token-file", tmp_path / "token")
        until(lambda: call().returncode == 0, 20, "the call goes through")
        done = tree.run_banyan(*words[1].split(), words[2])
        assert done.returncode != 0


class Guided(GatewayTree):
    """The usual tree with the guide's block in place of its own lines."""

    def spawn(self):
        settings, = [b for b in blocks("yaml") if "mode: function" in b]
        auth, nodes = settings.split("nodes:\n")
        text = self.file.read_text().replace("auth: {mode: none}\n", auth)
        if nodes not in text:
            self.file.write_text(text.replace("nodes:\n",
                                              "nodes:\n" + nodes))
        return super().spawn()


def test_the_guides_service_decides():
    asked = []

    def authenticate(args):
        asked.append(args[0])
        return {"user_id": "anna", "roles": ["editor"],
                "expires_in_ms": 60000}

    with Guided() as tree:
        path = tree.run / "services" / "accounts.ipc"
        with ScriptedService(path, authenticate=authenticate):
            until(lambda: "101" in knock(tree)[0], 20, "it decides")
            with tree.joined(query="&room=a",
                             headers=("X-Tenant: acme",)) as client:
                assert facts(client)["user_id"] == "anna"
    assert asked[-1]["params"] == {"room": "a"}
    assert asked[-1]["headers"] == {"X-Tenant": "acme"}
    for key in asked[-1]:
        assert f"`{key}`" in PART, f"the guide does not tell of {key}"


def test_a_token_costs_little_beside_its_signature():
    costs = json.loads(subprocess.run(
        [str(JWT_COST)], capture_output=True, text=True,
        check=True, timeout=120).stdout)
    for name, cost in costs.items():
        # a busy machine and a debug build: the row of scripts/bench is exact
        assert cost["again_us"] <= 3, (name, cost)
        assert cost["verify_us"] - cost["bare_us"] <= \
            max(30, cost["bare_us"] / 2), (name, cost)
