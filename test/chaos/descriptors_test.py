"""A child that gets no descriptors: its siblings serve on, and it heals."""
import signal

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
