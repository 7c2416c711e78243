"""`banyan doctor`: one line a check, with advice, also when nothing runs."""
import json
import os
import shutil
import socket
import subprocess

import pytest

import tree as trees
from tree import BANYAN, Tree, until


def doctor(*arguments, env=None, code=0, home):
    done = subprocess.run(
        [str(BANYAN), "doctor", *map(str, arguments)], text=True,
        capture_output=True, timeout=30, check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "NO_COLOR": "1",
             "BANYAN_RUNTIME_DIR": str(home / "run"),
             "BANYAN_LIBEXEC_DIR": str(trees.LIBEXEC), **(env or {})})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(name="home")
def folders(tmp_path):
    (tmp_path / "run").mkdir(mode=0o700)
    (tmp_path / "state").mkdir()
    return tmp_path


def settings(home, port=0, monitoring=0, more=""):
    path = home / "banyan.yaml"
    path.write_text(f"state_dir: {home}/state\n"
                    f"gateway: {{port: {port}}}\nauth: {{mode: none}}\n"
                    f"monitoring: {{port: {monitoring}}}\n{more}")
    return path


def checks(*arguments, **how):
    found = json.loads(doctor(*arguments, "--json", **how))
    return {c["name"]: c for c in found["checks"]}


def test_a_tree_that_is_down_is_looked_at_all_the_same(home):
    found = checks(settings(home), home=home)
    assert found["tree"]["status"] == "warning"
    assert "banyand FILE" in found["tree"]["advice"]
    for name in ("program gateway", "program supervisor",
                 "program canary", "library", "settings",
                 "runtime_dir", "state_dir", "disk", "gateway port",
                 "monitoring port", "clock"):
        assert found[name]["status"] == "ok", found[name]


def test_each_check_is_a_line_with_a_glyph_and_advice_below_it(home):
    lines = doctor(settings(home), home=home).splitlines()
    assert sum(line.startswith("✓ ") for line in lines) > 20
    warned = next(i for i, line in enumerate(lines)
                  if line.startswith("⚠ tree"))
    assert "→ start it" in lines[warned + 1]


@pytest.mark.parametrize("name", ["gateway port", "monitoring port"])
def test_a_port_of_somebody_else_is_an_error(home, name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = settings(home, **{"port" if name == "gateway port"
                                 else "monitoring": port})
        found = checks(path, home=home, code=1)
    assert found[name]["status"] == "error"
    assert f":{port}" in found[name]["advice"]


def test_a_missing_program_is_an_error(home):
    libexec = home / "libexec"
    libexec.mkdir()
    for program in trees.LIBEXEC.iterdir():
        if program.name != "relay":
            (libexec / program.name).symlink_to(program)
    found = checks(settings(home), home=home, code=1,
                   env={"BANYAN_LIBEXEC_DIR": str(libexec)})
    assert found["program relay"]["status"] == "error"
    assert "install" in found["program relay"]["advice"]
    assert found["program puller"]["status"] == "ok"


def test_broken_settings_are_named_with_their_place(home):
    found = checks(settings(home, more="gatway: {}\n"), home=home, code=1)
    assert ":5:" in found["settings"]["message"]
    assert found["settings"]["advice"].startswith("banyan check ")


def test_folders_that_are_wrong_are_told_with_what_to_do(home):
    (home / "run").chmod(0o755)
    found = checks(settings(home), home=home)
    assert found["runtime_dir"]["advice"].startswith("chmod 700 ")
    shutil.rmtree(home / "state")
    (home / "state").write_text("no folder")
    found = checks(settings(home), home=home, code=1)
    assert found["state_dir"]["status"] == "error"


def test_a_running_tree_adds_what_it_says_of_itself():
    with Tree() as tree:
        tree.until_whole()
        until(lambda: tree.run_banyan("doctor").returncode == 0)
        said = tree.banyan("doctor")
        names = {c["name"]: c for c in said["checks"]}
        assert {"tree", "supervision_tree", "supervision_proof", "stores",
                "services", "pulls", "runners", "circuits", "control"} <= \
            set(names)
        assert tree.run_banyan("stop", "relay").returncode == 0
        done = tree.run_banyan("doctor")
        assert done.returncode == 1 and "banyan start relay" in done.stdout
        tree.run_banyan("start", "relay")
