"""The examples of workers/monitor/README.md about tracing, as they stand."""
import os
import re
import subprocess

from tree import ROOT, SETTINGS, STAGE, Tree, until

GUIDE = (ROOT / "workers" / "monitor" / "README.md").read_text()
PART = GUIDE.split("\n## Tracing", 1)[1].split("\n## ", 1)[0]


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PART, re.S)[1]


def test_what_an_operator_types_works_as_printed():
    with Tree(SETTINGS + block("yaml")) as tree:
        until(lambda: tree.call("user_service", "get_user",
                                {"user_id": "u42"})[0] == 0)
        env = {**tree.env, "PATH": f"{STAGE}/bin:{os.environ['PATH']}"}
        said = {}
        for line in block("sh").splitlines():
            done = subprocess.run(["bash", "-ec", line], env=env, text=True,
                                  timeout=60, capture_output=True, check=False)
            assert done.returncode == 0, (line, done)
            said[line] = done.stdout
        assert "function:user_service/get_user" in said["banyan trace status"]
        assert "stage=dispatch" in said["banyan trace tail"]
        files = list((tree.state / "traces").iterdir())
        assert [p.name for p in files] == ["request_type-get_user.log"]
        assert "event=request_end" in files[0].read_text()


def test_every_flag_of_the_guide_is_one_and_the_other_way_round():
    table = (ROOT / "protocol" / "trace_filter.h").read_text()
    flags = set(re.findall(r"\bF\((\w+), \d", table))
    named = set(re.findall(r"^\| `(\w+)` \|", PART, re.M))
    assert flags == named
