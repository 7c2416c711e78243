"""The examples of workers/monitor/README.md about HTTP, as they stand there."""
import os
import re
import subprocess

import pytest
from monitor_client import get, place
from prometheus_programs import Prometheus
from tree import ROOT, STAGE, Tree, until

GUIDE = (ROOT / "workers" / "monitor" / "README.md").read_text()
HTTP = GUIDE.split("## The operators' HTTP", 1)[1].split("\n## ", 1)[0]


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", HTTP, re.S)


@pytest.fixture(scope="module", name="tree")
def the_tree():
    with Tree() as tree:
        # the function is known; its node may not be met yet
        until(lambda: tree.call("user_service", "get_user",
                                {"user_id": "u42"})[0] == 0)
        yield tree


def test_what_an_operator_types(tree):
    address, asked = blocks("sh")
    env = {**tree.env, "PATH": f"{STAGE}/bin:{os.environ['PATH']}"}
    outputs = []
    for line in asked.splitlines():
        done = subprocess.run(["bash", "-ec", address + line], env=env,
                              timeout=60, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, (line, done)
        where, rest = done.stdout.split("\n", 1)
        assert where.split() == ["monitoring",
                                 tree.endpoints()["monitoring"]]
        outputs.append(rest)
    assert "[+]gateways ok\n" in outputs[0]
    assert '"default": {' in outputs[1]
    assert '"is_valid":true' in outputs[2]
    assert re.search(r'child="gateway/1"} [1-9]\d*\n$', outputs[3])
    assert outputs[4] == "# EOF\n"
    assert outputs[5] == "405\n"


def test_every_path_of_the_runbook_is_one_and_the_other_way_round(tree):
    table = (ROOT / "protocol/tables/paths.h").read_text()
    ours = re.search(r"define HTTP_PATHS\(P\)(.*?)\n\n", table, re.S)[1]
    paths = set(re.findall(r'"(/[^"]*)"', ours))
    named = {p.split("?")[0] for p in re.findall(r"`(/[^` ]*)`", HTTP)}
    assert paths <= named, paths - named
    assert named - paths <= set(re.findall(r'"(/[^"]*)"', table)), \
        named - paths
    for path in named:
        assert get(tree, path.replace("{id}", "default")).status == 200


def test_the_metrics_of_the_guide_are_there(tree):
    tree.call("user_service", "nobody_has_this", {})  # an error to count
    until(lambda: "banyan_function_errors_total{" in
          get(tree, "/metrics").text, 20, "the error is counted")
    text = get(tree, "/metrics").text
    for name in re.findall(r"`(banyan_\w+)[`{]", HTTP):
        assert re.search(rf"^{name}[_ {{]", text, re.M), name
    pool = re.search(r"banyan_pool_…{pool}` \| (.*?) \|", HTTP)[1]
    for name in re.findall(r"`(\w+)`", pool):
        assert f"\nbanyan_pool_{name}{{" in text, name


def test_the_settings_for_prometheus_are_taken_by_it(tree, tmp_path):
    block, = blocks("yaml")
    host, port = place(tree)
    with Prometheus(tmp_path, (host, port), block.replace(
            "127.0.0.1:4001", f"{host}:{port}")) as prometheus:
        prometheus.until("up{job='banyan'} == 1")
