"""The real tree with the demo service, under load, and a census of it.

    with LoadedTree() as tree:
        before = tree.tally()
        with tree.load() as load:
            tree.kill_and_heal("config_db")
        load.holds()
        tree.until_tally(*before)

Who lives is read from /proc, since whoever answers `banyan` may be the one
that was killed. The load is test/bench/load with its ledger.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "scenario"))
from tree import ROLES, ROOT, Tree, descendants, stat_of, until  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BANYAN_BUILD", ROOT / "build"))
LOAD = BUILD / "test/bench/load"
FULL = bool(os.environ.get("BANYAN_TEST_FULL"))
TIMES = int(os.environ.get("BANYAN_CHAOS_TIMES", 200 if FULL else 20))
CHILDREN = [*ROLES[:-1], "gateway/1", "gateway/2"]
CLIENTS, IN_FLIGHT = 64, 4

# Deaths by the dozen are the test's doing: they neither rest nor exhaust.
SETTINGS = """\
node: chaos
gateway:
  port: 0
  channels:
    - {topic: "api:*", event: api, require_verified_user_id: false}
auth: {mode: none}
monitoring: {port: 0}
workers: {gateway: {instances: 2}}
supervisor: {restarts: 1000, rest_first_ms: 1, rest_cap_ms: 2,
             starts_per_second: 0, starts_per_minute: 0}
nodes:
  - {name: user_service_1, url: "ipc://${runtime_dir}/services/user_service.ipc"}
services:
  - {service: user_service, nodes: [user_service_1]}
"""


class Load:
    """A running load generator; after stop(), its ledger."""

    def __init__(self, tree, clients=CLIENTS, in_flight=IN_FLIGHT,
                 function="get_user", arguments='{"user_id":"u42"}',
                 expect="Alice", service="user_service", more=()):
        self.process = subprocess.Popen(
            [str(LOAD), "--url", tree.endpoints()["gateway"], "--service",
             service, "--function", function, "--args", arguments,
             "--connections", str(clients), "--pipeline", str(in_flight),
             "--seconds", "3600", "--timeout-ms", "10000",
             *(("--expect", expect) if expect else ()), *more],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        assert line == f"joined {clients}\n", f"{line}\n{tree.log()[-2000:]}"
        self.ledger = None

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            out, _ = self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        self.ledger = json.loads(out)
        return self.ledger

    def holds(self, killed_gateways=0, codes=None):
        """Every call ended once; only a killed gateway's clients lost any."""
        ledger = self.ledger
        assert ledger["answers"] > 0, ledger
        assert ledger["answered_twice"] == 0, ledger
        assert ledger["untyped"] == 0 and ledger["foreign"] == 0, ledger
        assert ledger["wrong"] == 0, ledger
        assert ledger["timeouts"] == 0, ledger
        if killed_gateways == 0:
            assert ledger["unanswered"] == 0, ledger
            assert ledger["reconnects"] == 0, ledger
        else:
            most = killed_gateways * CLIENTS * IN_FLIGHT
            assert ledger["unanswered"] == ledger["lost"] <= most, ledger
        if codes is not None:
            assert set(ledger["codes"]) <= set(codes), ledger
        return ledger


class LoadedTree(Tree):
    def __init__(self, settings=SETTINGS, **how):
        super().__init__(settings, **how)
        if how.get("start", True):
            self.until_serving()

    @contextlib.contextmanager
    def load(self, **how):
        load = Load(self, **how)
        try:
            yield load
        finally:
            load.stop()

    def until_serving(self, seconds=15):
        """Both gateways have met the service and the tree's own nodes."""
        def live():
            said = self.banyan("nodes", code=None) or {}
            found = [n for i in said.get("instances", [])
                     for n in i.get("result") or []]
            own = [n for n in found if n["name"] in ("local", "relay")]
            return len(found) - len(own) == 2 and \
                "relay" in {n["name"] for n in own} and \
                all(n["state"] == "live" for n in found)
        until(live, seconds, f"nodes are live\n{self.log()[-3000:]}")
        self.until_whole()

    # --- who lives ---

    def below(self):
        """{name: (pid, life)} of what lives under banyand, from /proc."""
        found = {}
        for pid in descendants(self.daemon.pid):
            try:
                raw = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                continue
            env = dict(item.split("=", 1) for item in
                       raw.decode(errors="replace").split("\0")
                       if "=" in item)
            role, n = env.get("BANYAN_ROLE"), env.get("BANYAN_INSTANCE", "0")
            if role and (stat_of(pid) or "Z")[0] != "Z":
                found[role if n == "0" else f"{role}/{n}"] = \
                    (pid, int(env.get("BANYAN_LIFE", 0)))
        return found

    def pid(self, name):
        return until(lambda: self.below().get(name), 10, name)[0]

    def until_other(self, name, pid, seconds=10):
        """Waits until another process of that name is ready."""
        def is_ready():
            fresh, life = self.below().get(name, (pid, 0))
            return fresh != pid and (
                name == "supervisor" or
                f"child_ready child={name} life={life} " in self.log())
        until(is_ready, seconds, f"a new {name}\n{self.log()[-3000:]}")

    def until_obituary(self, name, pid, seconds=10):
        """The obituary of that process."""
        def found():
            folder = self.state / "supervisor" / name.replace("/", "-")
            for path in sorted(folder.glob("*.json"), reverse=True):
                try:
                    told = json.loads(path.read_text())
                except (OSError, ValueError):
                    continue
                if told["pid"] == pid:
                    return told
            return None
        return until(found, seconds, f"an obituary of {name} {pid}")

    # --- harm ---

    def send(self, name, number=signal.SIGKILL):
        """Signals a child; one that is just leaving is let go for the next."""
        def sent():
            pid = self.pid(name)
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return None
            return pid
        return until(sent, 10, f"{name} is there to be signalled")

    def kill_and_heal(self, name, number=signal.SIGKILL):
        pid = self.send(name, number)
        self.until_other(name, pid)
        return pid

    # --- nothing may be left ---

    def census(self):
        """What each process of the tree holds open, by kind."""
        guard = {"guard": (self.daemon.pid, 0)}
        return {name: kinds_of(pid)
                for name, (pid, _) in {**guard, **self.below()}.items()}

    def tally(self):
        """census() and segments() once all lasting sockets are open: a young
        puller opens those to config_db and services with its first pull, a
        young monitor those to every role with its first round of pings."""
        began = now()
        until(lambda: self.banyan_ok("services", "force-pull"), 10, "a pull")
        until(lambda: self.has_pulled_since(began), 10, "all is pulled")
        until(lambda: self.banyan_ok("health", "check"), 10, "a round of pings")
        self.until_serving()
        return self.census(), self.segments()

    def has_pulled_since(self, began):
        ages = [s["pulled_ms_ago"]
                for s in self.banyan("services", "list", code=None) or ()]
        return None not in ages and all(
            age <= (now() - began) * 1000 for age in ages)

    def segments(self):
        """Distinct memfds that the tree holds: none may be leaked."""
        found = set()
        for pid in [self.daemon.pid, *descendants(self.daemon.pid)]:
            for fd, link in links_of(pid):
                if link.startswith("/memfd:"):
                    with contextlib.suppress(OSError):
                        found.add(os.stat(f"/proc/{pid}/fd/{fd}").st_ino)
        return len(found)

    def until_tally(self, before, segments, seconds=15):
        """Whole, and nothing open that was not open before; `segments` None
        leaves out how many distinct ones there are."""
        self.until_whole()
        leaks = {}

        def is_clean():
            leaks.clear()
            now = self.census()
            for name in before:
                for kind, count in now.get(name, {}).items():
                    most = before[name].get(kind, 0)
                    if count > most:
                        leaks[f"{name} {kind}"] = (most, count)
            return not leaks and set(now) == set(before)
        try:
            until(is_clean, seconds, "nothing leaked")
        except AssertionError:
            raise AssertionError(f"left open (before, now): {leaks}") from None
        assert segments is None or self.segments() == segments

    def rss_kb(self, name):
        text = pathlib.Path(f"/proc/{self.pid(name)}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1])


def links_of(pid):
    try:
        fds = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return
    for fd in fds:
        with contextlib.suppress(OSError):
            yield fd, os.readlink(f"/proc/{pid}/fd/{fd}")


def kinds_of(pid):
    """{"socket": 7, "/memfd:banyan-stats (deleted)": 1, …}"""
    kinds = {}
    for _, link in links_of(pid):
        kind = re.sub(r"[:\d\[\]]+$", "", link)
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


def now():
    return time.monotonic()
