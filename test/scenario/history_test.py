"""The monitor's history: it outlives the monitor, and neither a disk nor a
wall clock that goes wrong stops whoever asks."""
import json
import os
import pathlib
import signal
import subprocess

import pytest
from monitor_client import get
from tree import LIBEXEC, SETTINGS, STAGE, Tree, until

FAST = "history: {interval_ms: 100}\n"
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a tmpfs")


def points(tree, metric="memory_percent"):
    answer = get(tree, f"/metrics/timeseries?metric={metric}&resolution=0")
    assert answer.status == 200, answer.text
    return answer.json["data"]


def own(tree, name):
    """A counter of the monitor."""
    return next(p["counters"][name] for p in tree.banyan(
        "stats", code=None)["processes"] if p["role"] == "monitor")


def until_kept(tree, count):
    """So many points are there, and what was before them is on the disk."""
    until(lambda: len(points(tree)) >= count, 20, f"{count} points")
    commits = own(tree, "commits")
    until(lambda: own(tree, "commits") >= commits + 2, 20, "they are written")


def health_says(tree, word):
    return word in json.dumps(tree.banyan("health", code=None))


def restarted(tree, number=signal.SIGKILL):
    life = tree.life("monitor")
    tree.kill("monitor", number)
    tree.until("monitor", state="up", life=life + 1)
    until(lambda: f"life={life + 1} history_loaded" in tree.log(), 10,
          "the history was read")


@pytest.fixture(name="tree")
def a_tree():
    with Tree(SETTINGS + FAST, service=False) as tree:
        yield tree


def test_the_history_survives_kill_9_and_the_tree(tree):
    until_kept(tree, 20)
    before = points(tree)
    for _ in range(3):
        restarted(tree)
        after = points(tree)
        # all but what was not written yet
        assert after[:10] == before[:10]
        assert [at for at, _ in after] == sorted(at for at, _ in after)
    tree.banyan("shutdown", timeout=30)
    tree.daemon.wait(20)
    tree.start()
    until(lambda: points(tree)[:10] == before[:10], 10,
          "the next tree has it, too")


def test_a_damaged_history_is_set_aside_told_of_and_begun_anew(tree):
    until_kept(tree, 5)
    tree.banyan("stop", "monitor")
    store = tree.state / "monitor" / "history"
    (store / "data.mdb").write_bytes(b"rubbish!" * 8192)
    tree.banyan("start", "monitor")
    tree.until("monitor", state="up")
    aside = until(lambda: list((tree.state / "monitor").glob(
        "history.damaged-*")), 10, "it is set aside")
    assert (aside[0] / "data.mdb").read_bytes()[:8] == b"rubbish!"
    until(lambda: f"history_aside path={aside[0]}" in tree.log(), 5)
    until_kept(tree, 5)
    restarted(tree)
    assert len(points(tree)) >= 5


def with_preload(tree, library, **env):
    """The monitor of the tree runs with a library of ours."""
    path = STAGE / "libexec/banyan-test" / library
    assert path.exists(), "meson install puts it there"
    folder = tree.home / "libexec"
    folder.mkdir()
    for program in LIBEXEC.iterdir():
        if program.name != "monitor":
            (folder / program.name).symlink_to(program)
    words = " ".join(f"{key}={value}" for key, value in env.items())
    (folder / "monitor").write_text(
        f"#!/bin/sh\nexport LD_PRELOAD={path} {words}\n"
        f"exec {LIBEXEC / 'monitor'}\n")
    (folder / "monitor").chmod(0o755)
    tree.env["BANYAN_LIBEXEC_DIR"] = str(folder)


def test_a_disk_that_hangs_stops_nobody_who_asks():
    with Tree(SETTINGS + FAST, service=False, start=False) as tree:
        hang = tree.home / "hang"
        with_preload(tree, "libslow_sync.so", SLOW_SYNC_FILE=hang)
        tree.start()
        until_kept(tree, 3)
        life = tree.life("monitor")
        hang.touch()
        until(lambda: own(tree, "is_degraded") == 1, 20, "it is told of")
        assert health_says(tree, "history_not_kept")
        assert "the disk does not answer" in tree.log()
        count = len(points(tree))
        until(lambda: len(points(tree)) >= count + 5, 10,
              "points are taken all the same")
        assert get(tree, "/livez").status == 200
        hang.unlink()
        until(lambda: own(tree, "is_degraded") == 0, 20, "it is over")
        assert tree.life("monitor") == life
        kept = points(tree)
        until_kept(tree, len(kept))
        restarted(tree)
        assert points(tree)[:len(kept)] == kept  # nothing is missing


def on_a_mount(settings, path, options):
    """A tree whose folder `path` below state_dir is a tmpfs."""
    tree = Tree(settings, service=False, start=False)
    folder = tree.state / path
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs",
                    str(folder)], check=True)
    return tree, folder


def unmount(tree, folder):
    subprocess.run(["umount", "-l", str(folder)], check=False)
    subprocess.run(["rm", "-rf", str(tree.home)], check=False)


def fill(folder):
    with open(folder / "ballast", "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


@NEEDS_ROOT
def test_a_full_disk_degrades_the_monitor_and_nothing_else():
    tree, folder = on_a_mount(SETTINGS + FAST, "monitor",
                              "size=2m,mode=0700")
    try:
        with tree:
            tree.start()
            until_kept(tree, 3)
            life = tree.life("monitor")
            fill(folder)
            until(lambda: own(tree, "is_degraded") == 1, 60, "it is full")
            assert own(tree, "disk_errors") >= 1
            assert health_says(tree, "history_not_kept")
            assert "history_refused" in tree.log()
            body = get(tree, "/health/components/monitor").json["component"]
            assert body["status"] == "degraded"
            count = len(points(tree))
            until(lambda: len(points(tree)) > count, 10)
            assert all(child["state"] == "up" for child in tree.children())
            (folder / "ballast").unlink()
            until(lambda: own(tree, "is_degraded") == 0, 30, "there is room")
            kept = points(tree)
            until_kept(tree, len(kept))
            assert tree.life("monitor") == life
            restarted(tree)
            assert points(tree)[:len(kept)] == kept
    finally:
        unmount(tree, folder)


@NEEDS_ROOT
def test_a_disk_that_cannot_be_written_from_the_start_is_caught_up_with():
    tree, folder = on_a_mount(SETTINGS + FAST, "monitor",
                              "size=8m,mode=0700,ro")
    try:
        with tree:
            tree.start()
            until(lambda: own(tree, "is_degraded") == 1, 20)
            until(lambda: len(points(tree)) >= 5, 10)
            assert get(tree, "/health").status == 200
            subprocess.run(["mount", "-o", "remount,rw", str(folder)],
                           check=True)
            until(lambda: own(tree, "is_degraded") == 0, 30)
            kept = points(tree)
            until_kept(tree, len(kept))
            restarted(tree)
            assert points(tree)[:5] == kept[:5]
    finally:
        unmount(tree, folder)


def test_a_wall_clock_that_jumps_changes_labels_alone():
    with Tree(SETTINGS + FAST, start=False) as tree:
        shift = tree.home / "shift"
        with_preload(tree, "libshift_clock.so", SHIFT_CLOCK_FILE=shift)
        tree.start()
        pid = tree.pid("monitor")
        assert "shift_clock" in pathlib.Path(f"/proc/{pid}/maps").read_text()
        for _ in range(20):
            tree.call("user_service", "get_user", {"user_id": "u42"})

        def rpc():
            return get(tree, "/metrics/rpc").json["metrics"]
        until(lambda: rpc()["total_operations_last_hour"] >= 20, 10)
        until(lambda: len(points(tree)) >= 10, 10)
        life = tree.life("monitor")
        for jump in (3600, -3600, 315360000):
            before = len(points(tree))
            shift.write_text(str(jump))
            until(lambda: len(points(tree)) >= before + 5, 10)
            now = rpc()
            assert now["total_operations_last_hour"] >= 20
            assert 0 < now["requests_per_second"] < 1000
            data = points(tree)
            # labels follow the wall, order and number do not
            assert abs(data[-1][0] - data[0][0] - jump) < 600
            assert get(tree, "/health").json["federation_health"][
                "overall_status"] == "healthy"
        assert tree.life("monitor") == life


def test_the_command_lists_metrics_and_shows_one(tree):
    until(lambda: len(points(tree)) >= 5, 10)
    listed = tree.banyan("history")
    names = {row["metric"]: row for row in listed["metrics"]}
    assert {"health_score", "requests_per_second", "latency_ms",
            "p95_latency_ms", "error_rate_percent", "cpu_percent",
            "connections"} <= set(names)
    assert 0 < names["memory_percent"]["last"] < 100
    until(lambda: "pool_utilization.default" in
          {row["metric"] for row in tree.banyan("history")["metrics"]}, 15,
          "each pool has a column")
    body = tree.banyan("history", "--metric", "memory_percent",
                       "--resolution", "0")
    assert body["data_points"] == len(body["data"]) >= 5
    text = tree.run_banyan("history", "--metric", "memory_percent",
                           "--resolution", "0").stdout
    assert text.startswith("memory_percent %, 1 h  least ")
    assert len(text.splitlines()) >= 6
    wrong = tree.run_banyan("history", "--metric", "latncy_ms")
    assert wrong.returncode == 1
    assert "did you mean `latency_ms`?" in wrong.stderr
    assert tree.run_banyan("history", "--metric", "latency_ms",
                           "--duration", "x").returncode != 0
