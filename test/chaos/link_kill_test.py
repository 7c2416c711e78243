"""A service killed again and again: every call is settled once, none runs twice."""
import json
import os
import pathlib
import random
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / os.environ.get("BANYAN_BUILD", "build") / "test" / "link_peers"
SECONDS = int(os.environ.get("BANYAN_CHAOS_SECONDS", "6"))


def start(url):
    """A service and its real URL: port 0 becomes the one it got."""
    service = subprocess.Popen([PEERS / "stress_service", url],
                               stdout=subprocess.PIPE)
    where = service.stdout.readline().decode().strip()
    assert where, "the service did not start"
    return service, where


@pytest.mark.parametrize("transport", ["ipc", "tcp"])
def test_a_service_killed_every_300_ms_loses_no_call(transport, tmp_path):
    url = f"ipc://{tmp_path}/s" if transport == "ipc" else "tcp://127.0.0.1:0"
    service, url = start(url)
    caller = subprocess.Popen(
        [PEERS / "link_caller", url, "who", "x", "256", "0", str(SECONDS)],
        stdout=subprocess.PIPE)
    kills = 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        service_end = time.monotonic() + random.uniform(0.2, 0.4)
        while time.monotonic() < service_end:
            time.sleep(0.02)
        service.kill()
        service.wait()
        kills += 1
        service, _ = start(url)
    ledger = json.loads(caller.communicate(timeout=20)[0])
    service.kill()
    service.wait()
    print(kills, ledger)
    assert kills >= SECONDS
    assert ledger["generations"] >= kills / 2
    assert ledger["answered"] > 10_000
    assert ledger["unanswered"] == 0
    assert ledger["answered_twice"] == 0
    assert ledger["foreign"] == 0
    assert ledger["calls"] == (ledger["answered"] + ledger["not_dispatched"] +
                               ledger["dispatched_unknown"])


def test_a_stopped_service_is_given_up_after_three_seconds(tmp_path):
    service, url = start(f"ipc://{tmp_path}/s")
    caller = subprocess.Popen(
        [PEERS / "link_caller", url, "who", "x", "64", "0", "6"],
        stdout=subprocess.PIPE)
    rest = time.monotonic() + 1
    while time.monotonic() < rest:
        time.sleep(0.02)
    service.send_signal(signal.SIGSTOP)
    ledger = json.loads(caller.communicate(timeout=20)[0])
    service.kill()
    service.wait()
    assert ledger["answered"] > 1000
    assert ledger["dispatched_unknown"] == 64
    assert ledger["unanswered"] == ledger["answered_twice"] == 0


def test_a_stall_shorter_than_that_costs_nothing(tmp_path):
    service, url = start(f"ipc://{tmp_path}/s")
    caller = subprocess.Popen(
        [PEERS / "link_caller", url, "who", "x", "256", "0", "10"],
        stdout=subprocess.PIPE)
    end = time.monotonic() + 5  # chance may stall them most of that time
    stopped = [service.pid, caller.pid]
    while time.monotonic() < end:
        who = random.choice(stopped)
        os.kill(who, signal.SIGSTOP)
        pause = time.monotonic() + random.uniform(0.05, 1.5)
        while time.monotonic() < pause:
            time.sleep(0.02)
        os.kill(who, signal.SIGCONT)
    ledger = json.loads(caller.communicate(timeout=20)[0])
    service.kill()
    service.wait()
    assert ledger["answered"] == ledger["calls"] > 10_000
    assert ledger["generations"] == 1
    assert ledger["unanswered"] == ledger["answered_twice"] == 0
