"""Settings as an operator meets them: at the start, at a reload, when broken."""
import os
import random
import signal
import subprocess

import pytest

import tree as trees
from tree import BANYAN, BANYAND, LIBEXEC, SETTINGS, Tree, until

BROKEN = {
    "unknown key": ("gateway: {prot: 1}\n", ":1:11:", 'did you mean "port"?'),
    "wrong type": ("gateway: {port: x}\n", ":1:17:", "whole number"),
    "out of range": ("gateway: {port: 70000}\n", ":1:17:", "0 to 65535"),
    "duplicate key": ("node: a\nnode: b\n", ":2:1:", "duplicate key"),
    "not built yet": ("cluster: {a: b}\n", ":1:1:", "not built yet"),
    "200 KB of brackets": ("[" * 200000, ":1:33:", "nested deeper"),
    "an alias bomb": (
        "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n"
            for i in range(1, 10)), ":5:30:", "aliases counted"),
    "a 10 MB file": ("# " + "x" * 10_000_000, "", "larger than"),
    "no YAML": ("gateway: [1\n", ":2:1:", "not YAML"),
}


def run(program, *arguments, **options):
    env = {k: v for k, v in os.environ.items() if not k.startswith("BANYAN_")}
    env.update(BANYAN_LIBEXEC_DIR=str(LIBEXEC), NO_COLOR="1")
    return subprocess.run([str(program), *map(str, arguments)], env=env,
                          capture_output=True, text=True, timeout=10,
                          check=False, **options)


@pytest.fixture(scope="module")
def tree():
    with Tree(service=False) as running:
        yield running


def pids(tree):
    return {(c["role"], c["instance"]): c["pid"] for c in tree.children()}


def shown(tree, section):
    return tree.banyan("settings", "show", section)[section]


def results(reloaded):
    return {w["role"]: w["result"] for w in reloaded["workers"]}


@pytest.fixture(name="file")
def file_that_is_put_back(tree):
    yield tree.file
    tree.rewrite(SETTINGS)
    tree.banyan("reload")


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_starts_nothing_and_says_where(what, tmp_path):
    text, place, words = BROKEN[what]
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    done = run(BANYAND, "--runtime-dir", tmp_path / "run", "--state-dir",
               tmp_path / "state", path)
    assert done.returncode == 78
    assert f"{path}{place}" in done.stderr and words in done.stderr
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("what", BROKEN)
def test_banyan_check_says_the_same(what, tmp_path):
    text, place, words = BROKEN[what]
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    done = run(BANYAN, "check", path)
    assert done.returncode == 78
    assert f"{path}{place}" in done.stderr and words in done.stderr


def test_banyan_check_is_content_with_the_shipped_files(tmp_path):
    for name in ("banyan.yaml", "banyan.full.yaml"):
        env = {"BANYAN_RUNTIME_DIR": str(tmp_path)}
        done = subprocess.run(
            [str(BANYAN), "check", str(trees.ROOT / "etc" / name)],
            env={**os.environ, **env}, capture_output=True, text=True,
            check=False)
        assert done.returncode == 0, done.stderr


def test_a_reload_applies_what_is_live(tree, file):
    before = pids(tree)
    file.write_text(SETTINGS + "request: {max_payload_bytes: 2048}\n")
    assert results(tree.banyan("reload"))["gateway"] == "applied"
    assert shown(tree, "request")["max_payload_bytes"] == 2048
    assert pids(tree) == before


def test_a_reload_says_what_needs_a_restart(tree, file):
    before = pids(tree)
    file.write_text(SETTINGS + "workers: {config_db: {nice: 1}}\n")
    reloaded = tree.banyan("reload")
    assert results(reloaded)["config_db"] == "needs_restart"
    config_db = next(w for w in reloaded["workers"]
                     if w["role"] == "config_db")
    assert "workers.config_db.nice" in config_db["keys"]
    assert pids(tree) == before


def test_a_key_that_waits_for_banyand_itself_is_named(tree, file):
    file.write_text(SETTINGS.replace("port: 0\n", "port: 4567\n", 1))
    reloaded = tree.banyan("reload")
    assert results(reloaded)["guard"] == "needs_restart"
    guard = next(w for w in reloaded["workers"] if w["role"] == "guard")
    assert guard["keys"] == "gateway.port"


def test_a_key_that_waits_is_named_at_every_reload_until_it_is_taken_back(
        tree, file):
    file.write_text(SETTINGS + "workers: {config_db: {nice: 1}}\n")
    assert results(tree.banyan("reload"))["config_db"] == "needs_restart"
    assert results(tree.banyan("reload"))["config_db"] == "needs_restart"
    file.write_text(SETTINGS)
    assert results(tree.banyan("reload"))["config_db"] == "unchanged"


def test_more_gateways_come_with_a_restart_of_the_supervisor(tree, file):
    file.write_text(SETTINGS + "workers: {gateway: {instances: 2}}\n")
    assert results(tree.banyan("reload"))["supervisor"] == "needs_restart"
    tree.banyan("restart", "supervisor")
    until(lambda: ("gateway", 2) in pids(tree), 10)
    tree.until_whole()
    file.write_text(SETTINGS)
    tree.banyan("reload")
    tree.banyan("restart", "supervisor")
    tree.until_whole()


def test_the_guard_is_restarted_by_whoever_started_it(tree):
    refused = tree.run_banyan("restart", "guard")
    assert refused.returncode != 0
    assert "where you started it" in refused.stderr


def test_the_supervisor_applies_its_own_keys(tree, file):
    file.write_text(SETTINGS + "supervisor: {restarts: 7}\n")
    assert results(tree.banyan("reload"))["supervisor"] == "applied"


def test_a_reload_of_the_same_file_changes_nothing(tree):
    reloaded = tree.banyan("reload")
    assert set(results(reloaded).values()) <= {"unchanged"}


def test_a_diff_names_what_a_reload_would_change(tree, file):
    assert tree.run_banyan("settings", "diff").stdout == "unchanged\n"
    file.write_text(SETTINGS + "request: {max_payload_bytes: 8192}\n")
    assert tree.run_banyan("settings", "diff").stdout == \
        "request.max_payload_bytes: 1000000 -> 8192\n"


def test_hup_reloads_as_well(tree, file):
    file.write_text(SETTINGS + "request: {max_payload_bytes: 4096}\n")
    os.kill(tree.daemon.pid, signal.SIGHUP)
    until(lambda: shown(tree, "request")["max_payload_bytes"] == 4096, 5,
          "the new value is in force")


def test_a_broken_file_changes_nothing_at_a_reload(tree, file):
    before, settings = pids(tree), tree.banyan("settings", "show")
    file.write_text("gateway:\n  prot: 1\n")
    done = tree.run_banyan("reload")
    assert done.returncode == 78
    assert "2:3: gateway.prot: unknown key" in done.stdout + done.stderr
    assert tree.banyan("settings", "show") == settings
    assert pids(tree) == before


def mutated(text, dice):
    data = bytearray(text.encode())
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data))
        kind = dice.random()
        if kind < 0.4:
            data[at:at] = dice.choice([b"[", b"{", b"*x", b"!!x ", b"\xff",
                                       b"\0", b"\t", b"\nzzz: 1\n"])
        elif kind < 0.7:
            del data[at:at + dice.randint(1, 30)]
        else:
            data[at] = dice.randrange(256)
    return bytes(data)


def test_broken_files_one_after_another_leave_the_tree_as_it_was(tree, file):
    times = 200 if os.environ.get("BANYAN_TEST_FULL") else 25
    dice = random.Random(7)
    before, settings = pids(tree), tree.banyan("settings", "show")
    supervisor = tree.supervisor_pid()
    descriptors = tree.descriptors(supervisor)
    broken = 0
    while broken < times:
        file.write_bytes(mutated(SETTINGS, dice))
        if run(BANYAN, "check", file).returncode == 0:
            continue  # the dice left it whole
        broken += 1
        assert tree.run_banyan("reload").returncode == 78
    assert tree.banyan("settings", "show") == settings
    assert pids(tree) == before
    assert tree.descriptors(supervisor) == descriptors
