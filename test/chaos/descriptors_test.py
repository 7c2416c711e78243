"""A child that gets no descriptors: its siblings serve on, and it heals."""
import os
import resource
import signal
import socket

from monitor_client import get
from tree import SETTINGS, Tree, until

FEW = "workers:\n  config_db: {nofile: 10}\n"


def test_a_child_without_descriptors_is_mourned_while_the_others_serve():
    """E2: it inherits up to 8, and opening anything more fails with EMFILE."""
    with Tree() as tree:
        tree.rewrite(SETTINGS + FEW)
        tree.banyan("reload")
        tree.kill("config_db", signal.SIGKILL)
        until(lambda: tree.child("config_db")["state"] == "resting" and
              tree.child("config_db")["is_degraded"], 15,
              "config_db cannot live")
        assert "Too many open files" in tree.run_banyan(
            "why", "config_db").stdout
        code, answer = tree.call("user_service", "get_user",
                                 {"user_id": "u42"})
        assert code == 0, answer
        assert tree.banyan("health", code=None)["status"] != "ok"
        tree.rewrite(SETTINGS)
        tree.banyan("reload")
        tree.run_banyan("restart", "config_db")
        tree.until("config_db", 15, state="up")
        tree.until_whole()
        assert tree.banyan_ok("functions", "show", "user_service", "get_user")


def starve(pid):
    """Takes the free descriptors of a process away; gives what it had.

    The limit is on numbers: the lowest that is free becomes the limit.
    """
    had = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
    free = min(set(range(len(used) + 1)) - used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, had[1]))
    return had


def test_a_monitor_without_a_free_descriptor_answers_and_is_degraded():
    with Tree() as tree:
        pid, life = tree.pid("monitor"), tree.life("monitor")
        assert tree.banyan("health", "--check", "monitor")["status"] == "ok"
        had = starve(pid)
        try:
            # one at a time, by the spare one; again and again
            for _ in range(5):
                assert get(tree, "/livez").status == 200
                assert tree.run_banyan("history").returncode == 0
            code, answer = tree.call("user_service", "get_user",
                                     {"user_id": "u42"})
            assert code == 0, answer
            page = tree.run_banyan("health")
            assert page.returncode == 1, page.stdout
            assert "descriptors_short  descriptors " in page.stdout
            assert page.stdout.endswith("next: banyan why monitor\n")
            check = tree.banyan("health", "--check", "monitor",
                                code=1)["checks"]["monitor"]
            assert check["status"] == "degraded"
            assert check["reason"] == "descriptors_short"
            assert check["descriptors"] >= check["descriptor_limit"] - 2
            others = tree.banyan("health", code=1)["checks"]["banyan"]
            assert others["checks"]["gateway"]["status"] == "ok"
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, had)
        until(lambda: tree.banyan("health", code=None)["status"] == "ok", 15,
              "it is well again")
        assert get(tree, "/livez").status == 200
        assert tree.life("monitor") == life


def test_who_connects_and_says_nothing_cannot_hold_the_last_descriptor():
    with Tree() as tree:
        pid = tree.pid("config_db")
        silent = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        had = starve(pid)
        try:
            for one in silent:
                one.connect(str(tree.run / "config_db.ipc"))
            for _ in range(3):
                assert tree.banyan_ok("functions", "show", "user_service",
                                      "get_user")
            assert "workers.config_db.nofile" in tree.run_banyan(
                "why", "config_db").stdout
            assert tree.banyan("health", "--check", "config_db", code=1)[
                "checks"]["config_db"]["reason"] == "descriptors_short"
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, had)
            for one in silent:
                one.close()
        until(lambda: tree.banyan("health", code=None)["status"] == "ok", 15,
              "it is well again")
