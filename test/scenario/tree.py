"""A real tree for a test, in the words of the domain.

    with Tree() as tree:
        life = tree.life("config_db")
        tree.kill("config_db")
        tree.until("config_db", life=life + 1, state="up")
        assert tree.banyan("health")["status"] == "ok"

Everything lives in a folder of its own under /tmp with ports chosen by the
kernel. Nothing sleeps to wait: each wait polls a fact and has a deadline.
Leaving the block stops the tree and fails the test when it left a process.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STAGE = pathlib.Path(os.environ.get("BANYAN_STAGE", ROOT / "build" / "stage"))
BANYAND = STAGE / "bin" / "banyand"
BANYAN = STAGE / "bin" / "banyan"
LIBEXEC = STAGE / "libexec" / "banyan"
USER_SERVICE = STAGE / "bin" / "user_service"
POLL_S = 0.01
# every role of the tree, in start order; the gateway is the last
ROLES = re.findall(r"^\tW\((\w+),", (
    ROOT / "protocol" / "tables" / "workers.h").read_text(), re.M)

SETTINGS = """\
node: test
gateway:
  port: 0
  channels:
    - {topic: "api:*", event: api, require_verified_user_id: false}
auth: {mode: none}
monitoring: {port: 0}
nodes:
  - {name: user_service_1, url: "ipc://${runtime_dir}/services/user_service.ipc"}
services:
  - {service: user_service, nodes: [user_service_1]}
"""


def until(fact, seconds=10.0, what="the fact"):
    """Polls `fact` until it is true and gives its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(POLL_S)


@contextlib.contextmanager
def running(command, **how):
    """A program of the test's own; killed at the end if it still lives."""
    with subprocess.Popen([str(part) for part in command], **how) as process:
        try:
            yield process
        finally:
            process.kill()


def stat_of(pid):
    """(state, parent) of a process, or None when it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rsplit(")", 1)[1].split()
    return fields[0], int(fields[1])


def descendants(pid):
    """{pid: state} of all below a process, zombies included."""
    stats = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            stat = stat_of(int(entry))
            if stat:
                stats[int(entry)] = stat
    found, ring = {}, {pid}
    while ring:
        ring = {p for p, (_, parent) in stats.items() if parent in ring}
        found.update({p: stats[p][0] for p in ring})
    return found


class Tree:
    """One banyand with its children; a context manager."""

    def __init__(self, settings=SETTINGS, *, arguments=(), service=True,
                 wrapper=(), env=None, start=True):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="banyan-test."))
        self.run = self.home / "run"
        self.state = self.home / "state"
        self.file = self.home / "banyan.yaml"
        self.file.write_text(settings)
        self.arguments = list(arguments)
        self.wrapper = list(wrapper)
        self.env = {**os.environ, "BANYAN_RUNTIME_DIR": str(self.run),
                    "BANYAN_LIBEXEC_DIR": str(LIBEXEC), "NO_COLOR": "1",
                    **(env or {})}
        self.env.pop("NOTIFY_SOCKET", None)
        self.env.update(env or {})
        self.wants_service = service
        self.daemon = None
        self.services = []
        self.log_path = self.home / "log"
        if start:
            try:
                self.start()
            except BaseException:
                self.close(check=False)
                raise

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(check=kind is None)

    # --- life ---

    def spawn(self):
        """Starts banyand and does not wait for it."""
        self.run.mkdir(mode=0o700, exist_ok=True)
        self.state.mkdir(exist_ok=True)
        (self.run / "services").mkdir(mode=0o700, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self.daemon = subprocess.Popen(
                [*self.wrapper, str(BANYAND), str(self.file),
                 "--runtime-dir", str(self.run), "--state-dir",
                 str(self.state), *self.arguments],
                env=self.env, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)
        return self.daemon

    def start(self):
        self.spawn()
        if self.wants_service:
            self.start_service()
        self.until_ready()
        if self.wants_service:
            until(lambda: self.banyan_ok("functions", "show", "user_service",
                                         "get_user"),
                  20, "user_service get_user is registered")

    def start_service(self, program=None, url=None, *arguments):
        """Starts a service program; ended with the tree."""
        url = url or f"ipc://{self.run}/services/user_service.ipc"
        self.run.mkdir(mode=0o700, exist_ok=True)
        (self.run / "services").mkdir(mode=0o700, exist_ok=True)
        command = program if isinstance(program, list) else \
            [str(program or USER_SERVICE)]
        with open(self.log_path, "ab") as log:
            service = subprocess.Popen(
                [*command, url, *arguments], env=self.env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        self.services.append(service)
        return service

    def until_ready(self, seconds=20):
        def ready():
            if self.daemon.poll() is not None:
                raise AssertionError(
                    f"banyand left with {self.daemon.returncode}:\n"
                    f"{self.log()[-4000:]}")
            # who answers may still be the tree of an earlier guard
            return descendants(self.daemon.pid) and \
                (self.run / "endpoints.json").exists() and \
                self.banyan_ok("endpoints")
        until(ready, seconds, "the tree is ready\n" + self.log()[-2000:])

    def close(self, check=True):
        """Stops everything by pid; with `check`, nothing may be left."""
        left = {}
        for service in self.services:
            self.end(service)
        if self.daemon and self.daemon.poll() is None:
            below = set(descendants(self.daemon.pid))
            self.daemon.terminate()
            try:
                self.daemon.wait(20)
            except subprocess.TimeoutExpired:
                left["banyand"] = "deaf to SIGTERM"
                for pid in below:
                    self.signal_pid(pid, signal.SIGKILL)
                self.daemon.kill()
                self.daemon.wait()
            for pid in below:
                if stat_of(pid) and self.is_ours(pid):
                    left[pid] = stat_of(pid)
                    self.signal_pid(pid, signal.SIGKILL)
        log = self.log()
        shutil.rmtree(self.home, ignore_errors=True)
        if check:
            assert not left, f"left behind: {left}\n{log[-4000:]}"

    @staticmethod
    def end(process):
        """Ends a process of ours, stopped or not."""
        if process.poll() is None:
            process.terminate()
            process.send_signal(signal.SIGCONT)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()

    @staticmethod
    def signal_pid(pid, number):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def is_ours(self, pid):
        """Guards against a pid that was given to a stranger meanwhile."""
        try:
            env = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        return str(self.run).encode() in env

    # --- what an operator types ---

    def run_banyan(self, *arguments, timeout=30):
        return subprocess.run(
            [str(BANYAN), *map(str, arguments)], env=self.env, text=True,
            capture_output=True, timeout=timeout, check=False,
            stdin=subprocess.DEVNULL)

    def banyan(self, *arguments, code=0, timeout=30):
        """The parsed --json output; `code` None accepts any exit code."""
        done = self.run_banyan(*arguments, "--json", timeout=timeout)
        assert code is None or done.returncode == code, \
            f"banyan {arguments}: {done.returncode} {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def banyan_ok(self, *arguments):
        return self.run_banyan(*arguments).returncode == 0

    def call(self, service, function, args=None, **options):
        """banyan call; gives (exit code, response or text)."""
        words = ["call", service, function, json.dumps(args or {})]
        for name, value in options.items():
            words += [f"--{name}", value]
        done = self.run_banyan(*words, "--json")
        try:
            return done.returncode, json.loads(done.stdout)
        except json.JSONDecodeError:
            return done.returncode, done.stdout + done.stderr

    # --- what the tree is like ---

    def endpoints(self):
        return json.loads((self.run / "endpoints.json").read_text())

    def gateway_port(self):
        url = self.endpoints()["gateway"]
        return int(url.split(":")[2].split("/")[0])

    def children(self):
        """Every child as `banyan tree --json` lists it, flat.

        The runners of worker_pool are its own: they come and go.
        """
        found = []

        def walk(node):
            for child in node.get("children", []):
                found.append(child)
                if child["role"] != "worker_pool":
                    walk(child)
        walk(self.banyan("tree", code=None) or {})
        return found

    def child(self, name):
        """`name` is a role, or role/instance."""
        role, _, instance = name.partition("/")
        for child in self.children():
            if child.get("role") == role and \
                    (not instance or str(child.get("instance")) == instance):
                return child
        return None

    def pid(self, name):
        child = self.child(name)
        assert child and child["pid"], f"{name} does not run"
        return child["pid"]

    def life(self, name):
        return self.child(name)["life"]

    def until(self, name, seconds=10, **facts):
        """Waits until the child's fields are as named: life=2, state="up"."""
        def holds():
            try:
                child = self.child(name)
            except (AssertionError, ValueError):
                return None
            return child if child and all(
                child.get(k) == v for k, v in facts.items()) else None
        return until(holds, seconds, f"{name} {facts}")

    def kill(self, name, number=signal.SIGKILL):
        """Signals a child by name and gives the pid it had."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def supervisor_pid(self):
        below = [pid for pid in descendants(self.daemon.pid)
                 if (stat_of(pid) or (0, 0))[1] == self.daemon.pid]
        assert len(below) == 1, below
        return below[0]

    def is_whole(self):
        """Every child up, and the tree's pids are the processes there are."""
        try:
            children, supervisor = self.children(), self.supervisor_pid()
        except (AssertionError, ValueError):
            return False  # a guard that has only begun has none of its own
        if not children or any(c["state"] != "up" for c in children):
            return False
        below = descendants(self.daemon.pid)
        said = {c["pid"] for c in children}
        # its runners are not in children()
        for child in children:
            if child["role"] == "worker_pool":
                for pid in descendants(child["pid"]):
                    below.pop(pid, None)
        return said | {supervisor} == set(below) and \
            "Z" not in below.values()

    def until_whole(self, seconds=15):
        until(self.is_whole, seconds, f"the tree is whole\n"
              f"{self.log()[-3000:]}")

    def is_linked(self):
        """Every gateway has pulled functions and a link to each node."""
        done = self.run_banyan("nodes", "--json")
        if done.returncode != 0:
            return False
        links = [[n["state"] for n in i["result"] if not n["is_own"]]
                 for i in json.loads(done.stdout)["instances"]]
        return all(states and set(states) == {"live"} for states in links)

    def until_linked(self, seconds=15):
        """Whole, and remote calls reach the service: none is refused."""
        self.until_whole(seconds)
        until(self.is_linked, seconds, "each gateway is linked to each node")

    def log(self):
        return self.log_path.read_text(errors="replace") \
            if self.log_path.exists() else ""

    def descriptors(self, pid):
        return len(os.listdir(f"/proc/{pid}/fd"))

    def rewrite(self, settings):
        self.file.write_text(settings)
