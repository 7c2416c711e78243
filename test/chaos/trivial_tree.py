"""A real banyand over trivial children that do as a file tells them.

    with TrivialTree(tasks={"puller": "exit 3"}) as tree:
        tree.until_life("puller", 4)

The guard, the supervisor and the settings program are the real ones. What the
tree is like is read from /proc, the log and the obituaries: no worker needed.
"""
import contextlib
import glob
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent
                       / "scenario"))
from tree import ROLES, ROOT, descendants, stat_of, until  # noqa: E402

BUILD = pathlib.Path(os.environ.get("BANYAN_BUILD", ROOT / "build"))
SETTINGS = """\
node: test
gateway: {port: 0}
workers: {gateway: {instances: 2}}
"""
CHILDREN = [*ROLES[:-1], "gateway/1", "gateway/2"]


class TrivialTree:
    def __init__(self, settings=SETTINGS, tasks=None, arguments=(), env=None,
                 wrapper=(), start=True, others_may_read=False):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="banyan-chaos."))
        if others_may_read:
            self.home.chmod(0o777)
        self.run, self.state = self.home / "run", self.home / "state"
        self.libexec = self.home / "libexec"
        self.libexec.mkdir()
        for role in ROLES:
            shutil.copy(BUILD / "test/chaos/trivial_child",
                        self.libexec / role)
        for name, path in {"supervisor": "supervisor/supervisor",
                           "settings": "protocol/settings"}.items():
            shutil.copy(BUILD / path, self.libexec / name)
        self.banyand = self.home / "banyand"
        shutil.copy(BUILD / "supervisor/banyand", self.banyand)
        (self.state / "trivial").mkdir(parents=True)
        if others_may_read:
            self.state.chmod(0o777)
        self.file = self.home / "banyan.yaml"
        self.file.write_text(settings)
        self.log_path = self.home / "log"
        self.arguments, self.wrapper = list(arguments), list(wrapper)
        self.env = {**os.environ, "BANYAN_LIBEXEC_DIR": str(self.libexec),
                    **(env or {})}
        for name, task in (tasks or {}).items():
            self.tell(name, task)
        self.daemon = None
        if start:
            try:
                self.start()
            except BaseException:
                self.__exit__(AssertionError)
                raise

    def tell(self, name, task):
        """What the child does from its next life on; "" for nothing."""
        path = self.state / "trivial" / name.replace("/", "-")
        beside = path.with_suffix(".new")
        beside.write_text(task)
        beside.rename(path)

    def start(self, until_ready=True):
        (self.run / "endpoints.json").unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self.daemon = subprocess.Popen(
                [*self.wrapper, str(self.banyand), str(self.file),
                 "--runtime-dir", str(self.run), "--state-dir",
                 str(self.state), *self.arguments], env=self.env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if until_ready:
            self.until_ready()

    def until_ready(self, seconds=10):
        until(lambda: (self.run / "endpoints.json").exists()
              or self.daemon.poll() is not None, seconds, self.log())
        assert self.daemon.poll() is None, self.log()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        left = self.stop() if kind is None else self.stop(signal.SIGINT)
        log = self.log()
        for pid in self.ours():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.home, ignore_errors=True)
        assert kind is not None or not left, f"left behind {left}\n{log}"
        assert "Sanitizer" not in log and "runtime error" not in log, log

    def stop(self, number=signal.SIGTERM):
        """Ends the tree and gives what is left of it."""
        if self.daemon.poll() is None:
            self.daemon.send_signal(number)
            try:
                self.daemon.wait(40)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
                return ["banyand was deaf"]
        return self.ours()

    def ours(self):
        """Every living process that carries our run folder's name."""
        found = []
        for path in glob.glob("/proc/[0-9]*/environ"):
            pid = int(path.split("/")[2])
            try:
                env = pathlib.Path(path).read_bytes()
            except OSError:
                continue
            if f"BANYAN_RUNTIME_DIR={self.run}\0".encode() in env:
                found.append(pid)
        return found

    # --- what the tree is like ---

    def supervisor(self):
        """The supervisor's pid, or None between two."""
        for pid in self.ours():
            if self.env_of(pid).get("BANYAN_ROLE") == "supervisor":
                return pid
        return None

    @staticmethod
    def env_of(pid):
        try:
            raw = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return {}
        return dict(item.split("=", 1) for item in
                    raw.decode(errors="replace").split("\0") if "=" in item)

    def children(self):
        """{name: (pid, life)} of the living children."""
        found = {}
        for pid in self.ours():
            env = self.env_of(pid)
            role, n = env.get("BANYAN_ROLE"), env.get("BANYAN_INSTANCE", "0")
            if role not in ROLES or (stat_of(pid) or "Z")[0] == "Z":
                continue
            if stat_of(pid)[1] != self.supervisor():
                continue
            name = role if n == "0" else f"{role}/{n}"
            assert name not in found, f"two of {name}: {found[name]}, {pid}"
            found[name] = (pid, int(env["BANYAN_LIFE"]))
        return found

    def pid(self, name):
        return until(lambda: self.children().get(name), 5, name)[0]

    def life(self, name):
        return until(lambda: self.children().get(name), 5, name)[1]

    def until_life(self, name, life, seconds=10):
        return until(lambda: self.children().get(name, (0, 0))[1] >= life,
                     seconds, f"life {life} of {name}\n{self.log()[-3000:]}")

    def is_whole(self, names=None):
        """All children there, nothing else, no zombie."""
        supervisor = self.supervisor()
        if supervisor is None:
            return False
        below = descendants(self.daemon.pid)
        children = self.children()
        return set(children) == set(names or CHILDREN) and \
            set(below) == {supervisor} | {p for p, _ in children.values()} \
            and "Z" not in below.values()

    def until_whole(self, seconds=10, names=None):
        until(lambda: self.is_whole(names), seconds,
              f"whole: {self.children()}\n{self.log()[-3000:]}")

    def obituaries(self, name):
        """The documents of a child, oldest first."""
        folder = self.state / "supervisor" / name.replace("/", "-")
        found = []
        for path in sorted(folder.glob("*.json")):
            with contextlib.suppress(FileNotFoundError):  # the oldest make room
                found.append(json.loads(path.read_text(), strict=True))
        return found

    def until_obituary(self, name, count=1, seconds=10):
        return until(lambda: self.obituaries(name)
                     if len(self.obituaries(name)) >= count else None,
                     seconds, f"{count} of {name}\n{self.log()[-2000:]}")

    def log(self):
        return self.log_path.read_text(errors="replace") \
            if self.log_path.exists() else ""

    def lines(self, event):
        return [line for line in self.log().splitlines()
                if f" {event} " in line]

    def port(self):
        url = json.loads((self.run / "endpoints.json").read_text())["gateway"]
        return int(url.split(":")[2].split("/")[0])

    def can_connect(self):
        try:
            socket.create_connection(("127.0.0.1", self.port()), 1).close()
            return True
        except OSError:
            return False

    def descriptors(self, pid):
        return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text() \
        .rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def now():
    return time.monotonic()
