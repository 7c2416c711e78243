"""The tree heals from every death, hang and refusal (trivial children)."""
import fcntl
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from trivial_tree import CHILDREN, TrivialTree, cpu_s, now, until

FULL = bool(os.environ.get("BANYAN_TEST_FULL"))


def rests(tree, name):
    return [int(n) for n in re.findall(
        rf"child={re.escape(name)} rest_ms=(\d+)", tree.log())]


def test_every_child_that_is_killed_comes_back_at_once():
    with TrivialTree() as tree:
        tree.until_whole()
        guard, supervisor = tree.daemon.pid, tree.supervisor()
        before = tree.descriptors(guard), tree.descriptors(supervisor)
        for name in CHILDREN:
            life = tree.life(name)
            os.kill(tree.pid(name), signal.SIGKILL)
            tree.until_life(name, life + 1, 2)
        tree.until_whole()
        assert (tree.descriptors(guard), tree.descriptors(supervisor)) \
            == before
        for name in CHILDREN:
            last = tree.obituaries(name)
            assert len(last) == 1, "every exit has exactly one record"
            assert last[0]["reason"] == "signal" and last[0]["signal"] == 9
            assert last[0]["rest_ms"] == 0


def test_two_children_killed_together_both_come_back():
    with TrivialTree() as tree:
        tree.until_whole()
        os.kill(tree.pid("config_db"), signal.SIGKILL)
        os.kill(tree.pid("gateway/2"), signal.SIGKILL)
        tree.until_life("config_db", 2)
        tree.until_life("gateway/2", 2)
        tree.until_whole()


def test_a_stopped_child_is_replaced_within_two_and_a_half_seconds():
    with TrivialTree() as tree:
        tree.until_whole()
        for name in ("config_db", "gateway/1"):
            life, began = tree.life(name), now()
            os.kill(tree.pid(name), signal.SIGSTOP)
            tree.until_life(name, life + 1, 5)
            assert now() - began <= 2.5
            assert tree.obituaries(name)[-1]["reason"] == "hang"
        tree.until_whole()


def test_a_loop_that_stands_still_is_aborted_and_replaced():
    with TrivialTree(tasks={"puller": "sleep 200"}) as tree:
        tree.tell("puller", "")
        tree.until_life("puller", 2, 5)
        last = tree.until_obituary("puller")[0]
        assert last["reason"] == "hang" and last["signal"] == signal.SIGABRT
        tree.until_whole()


def test_a_busy_loop_is_hung_once_it_had_its_processor_time():
    with TrivialTree(tasks={"puller": "spin 100"}) as tree:
        tree.tell("puller", "")
        tree.until_life("puller", 2, 12)
        assert tree.until_obituary("puller")[0]["reason"] == "hang"


def test_a_lease_keeps_a_blocking_child_alive():
    with TrivialTree(tasks={"puller": "lease 3000"}) as tree:
        time_end = now() + 3.5
        until(lambda: now() > time_end, 5)
        assert tree.life("puller") == 1


def test_a_stopped_tree_goes_on_without_a_mass_kill():
    with TrivialTree() as tree:
        tree.until_whole()
        pids = [tree.daemon.pid, *tree.ours()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        wake = now() + 5
        until(lambda: now() > wake, 10)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        settled = now() + 2.5
        until(lambda: now() > settled, 10)
        assert {life for _, life in tree.children().values()} == {1}
        assert tree.is_whole() and tree.lines("gap")


def test_a_crash_loop_follows_the_back_off_and_ends_in_probation():
    with TrivialTree(tasks={"puller": "exit 3"}) as tree:
        until(lambda: tree.lines("child_probation"), 10)
        expected = [50, 100, 200, 400]
        got = rests(tree, "puller")
        assert len(tree.obituaries("puller")) == 6
        for rest, want in zip(got, expected):
            assert want * 0.75 <= rest <= want * 1.25
        assert 24000 <= got[4] <= 36000, "the cap, with its jitter"
        supervisor = tree.supervisor()
        spent, began = cpu_s(supervisor), now()
        until(lambda: now() > began + 2, 5)
        assert cpu_s(supervisor) - spent <= 0.04, "2 % of a processor"
        assert len(tree.lines("child_probation")) == 1, "one alert"
        assert tree.is_whole([n for n in CHILDREN if n != "puller"])


def test_exit_78_holds_a_child_until_the_settings_change():
    with TrivialTree(tasks={"puller": "exit 78"}) as tree:
        until(lambda: tree.lines("child_given_up"), 5)
        tree.tell("puller", "")
        tree.daemon.send_signal(signal.SIGHUP)
        tree.until_life("puller", 2, 5)
        tree.until_whole()
        assert tree.obituaries("puller")[0]["reason"] == "settings"


def test_exit_125_and_101_are_not_restarted_blindly():
    with TrivialTree(tasks={"puller": "exit 125"}) as tree:
        until(lambda: tree.lines("child_given_up"), 5)
        tree.until_whole(names=[n for n in CHILDREN if n != "puller"])


def test_a_child_that_wants_other_segments_gets_them_once():
    with TrivialTree(tasks={"puller": "exit 101"}) as tree:
        until(lambda: "life=2 tree_starting" in tree.log(), 10, tree.log())
        until(lambda: len(tree.lines("child_given_up")) >= 2, 10)
        tree.until_whole(names=[n for n in CHILDREN if n != "puller"])


def test_a_child_that_never_gets_ready_is_aborted():
    settings = "node: t\ngateway: {port: 0}\n" \
        "supervisor: {start_timeout_ms: 500}\n"
    with TrivialTree(settings, tasks={"puller": "mute"}, start=False) as tree:
        tree.start(until_ready=False)
        last = tree.until_obituary("puller")[0]
        assert last["reason"] == "start_timeout"
        tree.tell("puller", "")
        tree.until_ready()


def test_progress_extends_the_time_to_start():
    settings = "node: t\ngateway: {port: 0}\n" \
        "supervisor: {start_timeout_ms: 500}\n"
    with TrivialTree(settings, tasks={"puller": "slow 1500"}) as tree:
        assert tree.life("puller") == 1 and not tree.obituaries("puller")


def test_a_deaf_child_is_ended_by_kill_and_its_group_with_it():
    settings = "node: t\ngateway: {port: 0}\n" \
        "supervisor: {drain_timeout_ms: 200, stop_timeout_ms: 200}\n"
    with TrivialTree(settings, tasks={"puller": "deaf",
                                      "rate_limiter": "fork"}) as tree:
        began = now()
        assert tree.stop() == []
        assert now() - began < 8 and tree.daemon.returncode == 0
        assert tree.obituaries("puller")[0]["signal"] == signal.SIGKILL


def test_a_grandchild_dies_with_its_parent():
    with TrivialTree(tasks={"puller": "fork"}) as tree:
        first = tree.pid("puller")
        until(lambda: len(tree.ours()) == len(CHILDREN) + 2, 5)
        tree.tell("puller", "")
        os.kill(first, signal.SIGKILL)
        tree.until_life("puller", 2)
        tree.until_whole()


def test_children_start_by_readiness_and_stop_in_reverse():
    with TrivialTree(tasks={"config_db": "slow 600"}) as tree:
        log = tree.log()
        assert log.index("child_ready child=config_db") \
            < log.index("child_spawned child=gateway/1")
        assert log.index("child_spawned child=rate_limiter") \
            < log.index("child_ready child=config_db"), "side by side"
        tree.stop()
        log = tree.log()
        order = re.findall(r"child_stopped child=(\S+)", log)
        assert order.index("gateway/1") < order.index("control") \
            < order.index("puller") < order.index("rate_limiter") \
            < order.index("config_db")


@pytest.mark.parametrize("strategy,fallen", [
    ("one_for_one", {"rate_limiter"}),
    ("rest_for_one", set(CHILDREN[CHILDREN.index("rate_limiter"):])),
    ("one_for_all", set(CHILDREN))])
def test_each_strategy_takes_along_whom_it_says(strategy, fallen):
    settings = "node: t\ngateway: {port: 0}\n" \
        f"workers: {{gateway: {{instances: 2}}}}\n" \
        f"supervisor: {{strategy: {strategy}}}\n"
    with TrivialTree(settings) as tree:
        tree.until_whole()
        os.kill(tree.pid("rate_limiter"), signal.SIGKILL)
        for name in fallen:
            tree.until_life(name, 2)
        tree.until_whole()
        assert {n for n, (_, life) in tree.children().items()
                if life > 1} == fallen


def test_a_killed_supervisor_is_back_with_its_tree_in_half_a_second():
    with TrivialTree() as tree:
        tree.until_whole()
        for _ in range(20 if FULL else 5):
            lives = {n: life for n, (_, life) in tree.children().items()}
            old, began = tree.supervisor(), now()
            os.kill(old, signal.SIGKILL)
            while True:
                assert tree.can_connect(), "the port is open throughout"
                fresh = {n: life for n, (_, life) in tree.children().items()}
                if tree.supervisor() not in (None, old) and \
                        set(fresh) == set(CHILDREN):
                    break
                assert now() - began < 5, tree.log()[-3000:]
            heal = now() - began
            assert all(fresh[n] > lives[n] for n in lives), "lives go on"
            tree.until_whole()
        assert heal < 5
        ready = re.findall(r"(\d\d:\d\d\.\d+)Z .*? (supervisor_died|"
                           r"tree_ready) ", tree.log())
        stamps = [(float(t[:2]) * 60 + float(t[3:]), e) for t, e in ready]
        gaps = [stamps[i + 1][0] - stamps[i][0] for i in range(len(stamps) - 1)
                if stamps[i][1] == "supervisor_died"]
        assert gaps and min(gaps) <= 0.5


def test_a_stopped_supervisor_is_replaced():
    with TrivialTree() as tree:
        tree.until_whole()
        old = tree.supervisor()
        os.kill(old, signal.SIGSTOP)
        until(lambda: tree.supervisor() not in (None, old), 6)
        tree.until_whole()


def test_a_killed_guard_leaves_a_serving_tree_that_the_next_takes_over():
    with TrivialTree() as tree:
        tree.until_whole()
        port, supervisor = tree.port(), tree.supervisor()
        tree.daemon.kill()
        tree.daemon.wait()
        until(lambda: tree.lines("guard_died"), 5)
        assert tree.can_connect() and tree.supervisor() == supervisor
        os.kill(tree.pid("puller"), signal.SIGKILL)
        tree.until_life("puller", 2, 3)
        tree.start()
        tree.until_whole()
        assert tree.lines("takeover") and tree.supervisor() != supervisor
        assert tree.port() == port, "the same listening socket"
        assert tree.life("puller") >= 3, "lives go on: segments were kept"


def test_a_second_banyand_is_refused_with_a_line_that_helps():
    with TrivialTree() as tree:
        done = subprocess.run(
            [tree.banyand, tree.file, "--runtime-dir", tree.run,
             "--state-dir", tree.state], env=tree.env, text=True,
            capture_output=True, timeout=10, check=False)
        assert done.returncode == 71
        assert f"already running as pid {tree.daemon.pid}" in done.stderr


def test_a_second_tree_is_kept_off_a_state_folder_in_use(tmp_path):
    with TrivialTree() as tree:
        env = {**tree.env, "BANYAN_RUNTIME_DIR": str(tmp_path)}
        done = subprocess.run(
            [tree.banyand, tree.file, "--runtime-dir", tmp_path,
             "--state-dir", tree.state, "--port", "0"], env=env, text=True,
            capture_output=True, timeout=10, check=False)
        assert done.returncode == 71, done.stderr
        assert "belongs to another running tree" in done.stderr
        os.kill(tree.supervisor(), signal.SIGKILL)
        tree.until_whole()


def test_kills_during_start_stop_and_reload_converge():
    for moment in range(12 if FULL else 6):
        with TrivialTree(start=False) as tree:
            tree.start(until_ready=False)
            at = now() + 0.003 * moment
            until(lambda: now() > at and tree.supervisor(), 5)
            os.kill(tree.supervisor(), signal.SIGKILL)
            tree.until_whole(5)
            tree.daemon.send_signal(signal.SIGHUP)
            pid = tree.supervisor()
            os.kill(pid, signal.SIGKILL)
            until(lambda: tree.supervisor() not in (None, pid), 5)
            tree.until_whole(5)
            tree.daemon.terminate()
            pid = tree.supervisor()
            if pid:
                os.kill(pid, signal.SIGKILL)
            assert tree.daemon.wait(10) == 0
            assert tree.ours() == []


def test_a_reload_of_a_broken_file_changes_nothing():
    with TrivialTree() as tree:
        good = tree.file.read_text()
        tree.file.write_text(good + "nonsense_key: 1\n")
        tree.daemon.send_signal(signal.SIGHUP)
        until(lambda: tree.lines("reload_failed"), 8)
        assert not tree.lines("reload_done")
        tree.file.write_text(good)
        tree.daemon.send_signal(signal.SIGHUP)
        until(lambda: tree.lines("reload_done"), 8)
        assert tree.is_whole()


def test_sigint_stops_fast_and_sigterm_drains():
    settings = "node: t\ngateway: {port: 0}\n"
    with TrivialTree(settings, tasks={"puller": "deaf"}) as tree:
        began = now()
        assert tree.stop(signal.SIGINT) == []
        assert now() - began < 4 and tree.daemon.returncode == 0


def test_fork_that_fails_is_told_apart_and_heals():
    user = ["setpriv", "--reuid", "61234", "--regid", "61234",
            "--clear-groups"]
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    with TrivialTree(wrapper=user, others_may_read=True) as tree:
        tree.until_whole()
        supervisor = tree.supervisor()
        used = len(tree.ours()) + 1
        limit = [*user, "prlimit", f"--pid={supervisor}"]
        subprocess.run([*limit, f"--nproc={used - 2}:"], check=True)
        life = tree.life("puller")
        os.kill(tree.pid("puller"), signal.SIGKILL)
        until(lambda: tree.lines("spawn_failed"), 5)
        assert tree.obituaries("puller")[-1]["reason"] == "start_failed"
        rest = rests(tree, "puller")[-1]
        assert 400 <= rest <= 600, "R10: from 500 ms"
        subprocess.run([*limit, "--nproc=10000:"], check=True)
        tree.until_life("puller", life + 1, 10)
        assert "probation" not in tree.log()
        tree.until_whole()


def test_a_missing_program_is_start_failed_and_not_a_crash():
    with TrivialTree() as tree:
        program = tree.libexec / "puller"
        program.rename(program.with_suffix(".away"))
        os.kill(tree.pid("puller"), signal.SIGKILL)
        until(lambda: len(tree.lines("spawn_failed")) >= 2, 8)
        assert "No such file" in tree.obituaries("puller")[-1]["sentence"]
        program.with_suffix(".away").rename(program)
        tree.until_life("puller", 2, 8)


def test_an_obituary_tells_manner_usage_and_is_kept_a_hundred_times():
    settings = "node: t\ngateway: {port: 0}\n" \
        "supervisor: {obituaries: 5, restarts: 1000, rest_first_ms: 1, " \
        "rest_cap_ms: 2, starts_per_second: 0, starts_per_minute: 0}\n"
    with TrivialTree(settings, tasks={"puller": "signal 11"}) as tree:
        until(lambda: len(tree.lines("child_died")) >= 12, 10)
        until(lambda: 4 <= len(tree.obituaries("puller")) <= 6, 10,
              "about five are kept")
        kept = tree.obituaries("puller")
        last = kept[0]
        assert last["reason"] == "signal" and last["signal"] == 11
        assert last["rusage"]["max_rss_kb"] > 0 and last["build"]
        assert "SIGSEGV" in last["sentence"]


def test_a_storm_of_deaths_is_held_to_its_ceiling():
    settings = "node: t\ngateway: {port: 0}\n" \
        "workers: {gateway: {instances: 16}}\n" \
        "supervisor: {restarts: 1000, rest_first_ms: 1, rest_cap_ms: 1," \
        " starts_per_second: 20}\n"
    with TrivialTree(settings, start=False) as tree:
        for n in range(1, 17):
            tree.tell(f"gateway/{n}", "exit 1")
        tree.start(until_ready=False)
        began = now()
        until(lambda: now() > began + 3, 5)
        assert len(tree.lines("child_spawned")) <= 20 + 20 * 3.5
        assert tree.lines("storm")
        for n in range(1, 17):
            tree.tell(f"gateway/{n}", "")
        tree.until_ready(15)


def test_systemd_hears_ready_reloading_stopping_and_watchdog():
    folder = tempfile.mkdtemp(prefix="banyan-notify.")
    path = f"{folder}/notify"
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(path)
    server.setblocking(False)
    heard = []

    def hear():
        try:
            while True:
                heard.append(server.recv(4096).decode())
        except BlockingIOError:
            return heard

    with TrivialTree(env={"NOTIFY_SOCKET": path,
                          "WATCHDOG_USEC": "4000000"}) as tree:
        until(lambda: any("READY=1" in h for h in hear()), 5)
        until(lambda: sum("WATCHDOG=1" in h for h in hear()) >= 2, 5)
        tree.daemon.send_signal(signal.SIGHUP)
        until(lambda: any("RELOADING=1" in h and "MONOTONIC_USEC=" in h
                          for h in hear()), 5)
        reload_at = next(i for i, h in enumerate(heard) if "RELOADING" in h)
        until(lambda: any("READY=1" in h for h in hear()[reload_at:]), 5)
        tree.stop()
        assert any("STOPPING=1" in h for h in hear())
        assert any("STATUS=" in h for h in heard)
        env = TrivialTree.env_of(tree.daemon.pid)
        assert "NOTIFY_SOCKET" not in env
    os.unlink(path)
    os.rmdir(folder)


def test_a_listener_from_systemd_is_used():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    port = listener.getsockname()[1]
    keep = os.dup2(listener.fileno(), 3) if listener.fileno() != 3 else 3
    script = 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=gateway exec "$@"'
    tree = TrivialTree(start=False)
    with open(tree.log_path, "ab") as log:
        tree.daemon = subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", str(tree.banyand), str(tree.file),
             "--runtime-dir", str(tree.run), "--state-dir", str(tree.state)],
            env=tree.env, pass_fds=[keep], stdin=subprocess.DEVNULL,
            stdout=log, stderr=log)
    with tree:
        tree.until_ready()
        assert tree.port() == port
    listener.close()


def test_old_children_are_recycled_one_at_a_time():
    settings = "node: t\ngateway: {port: 0}\nworkers:\n" \
        "  gateway: {instances: 2, max_age_ms: 1000}\n"
    with TrivialTree(settings) as tree:
        tree.until_life("gateway/1", 2, 6)
        tree.until_life("gateway/2", 2, 6)
        tree.until_whole()
        assert tree.obituaries("gateway/1")[0]["reason"] == "recycle"
        assert tree.life("config_db") == 1
        moves = [line for line in tree.log().splitlines()
                 if "child=gateway/" in line and
                 (" child_recycled " in line or " child_ready " in line)]
        down = 0
        for line in moves[2:]:
            down += 1 if "recycled" in line else -1
            assert 0 <= down <= 1, moves


def test_each_child_has_its_limits_and_no_way_to_more_rights():
    settings = "node: t\ngateway: {port: 0}\nworkers:\n" \
        "  puller: {nofile: 77, memory_bytes: 1000000000, nice: 3}\n"
    with TrivialTree(settings) as tree:
        pid = tree.pid("puller")
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert re.search(r"Max open files\s+77 ", limits)
        assert re.search(r"Max address space\s+1000000000 ", limits)
        assert re.search(r"Max core file size\s+0 ", limits)
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert os.getpriority(os.PRIO_PROCESS, pid) == 3
        assert os.getpgid(pid) == pid, "a process group of its own"

        def weight(of):
            return int(pathlib.Path(f"/proc/{of}/oom_score_adj").read_text())
        assert weight(pid) == 0, "the guard's own weight is not inherited"
        if weight(tree.daemon.pid) == -900:  # privilege allows
            assert weight(tree.supervisor()) == -800
            assert weight(tree.pid("config_db")) == -500
        held = {os.readlink(f"/proc/{pid}/fd/{n}").split(":")[0]
                for n in os.listdir(f"/proc/{pid}/fd") if int(n) > 2}
        assert held <= {"socket", "/memfd", "anon_inode"}, held
        for n in range(9, 16):
            assert not os.path.exists(f"/proc/{pid}/fd/{n}") or \
                os.readlink(f"/proc/{pid}/fd/{n}").startswith("anon_inode")


def test_a_segment_handed_on_is_sealed():
    with TrivialTree() as tree:
        pid = tree.pid("config_db")
        for n in (4, 5, 6, 7, 8):
            handle = os.open(f"/proc/{pid}/fd/{n}", os.O_RDWR) if n != 4 \
                else os.open(f"/proc/{pid}/fd/{n}", os.O_RDONLY)
            seals = fcntl.fcntl(handle, 1034)  # F_GET_SEALS
            os.close(handle)
            assert seals & 2 and seals & 4, f"descriptor {n}: {seals}"


def test_wrong_starts_end_with_the_right_code_and_one_line():
    with TrivialTree() as tree:
        def banyand(*arguments, home=tree.home / "other"):
            return subprocess.run(
                [str(tree.banyand), *map(str, arguments), "--runtime-dir",
                 str(home / "run"), "--state-dir", str(home / "state")],
                env=tree.env, text=True, capture_output=True, timeout=15,
                check=False)

        done = banyand(tree.file, "--port", tree.port())
        assert done.returncode == 71 and "in use" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        broken = tree.home / "broken.yaml"
        broken.write_text("gateway: {prot: 4000}\n")
        done = banyand(broken)
        assert done.returncode == 78 and "broken.yaml:1:" in done.stderr
        assert banyand(tree.home / "absent.yaml").returncode == 78
        done = banyand(tree.file, "--check")
        assert done.returncode == 0 and "ok" in done.stdout
        long = pathlib.Path("/tmp") / ("x" * 90)
        assert banyand(tree.file, home=long).returncode == 78
        blocked = tree.home / "file"
        blocked.write_text("")
        done = banyand(tree.file, home=blocked)
        assert done.returncode == 71
        assert banyand().returncode == 64
