"""A service killed again and again: every call is settled once, none runs twice."""
import json
import os
import pathlib
import random
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / os.environ.get("BANYAN_BUILD", "build") / "test" / "link_peers"
SECONDS = int(os.environ.get("BANYAN_CHAOS_SECONDS", "6"))


def start(url):
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
