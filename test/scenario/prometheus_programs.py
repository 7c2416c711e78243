"""Where the stock Prometheus is, as scripts/setup --for-tests put it there."""
import contextlib
import pathlib
import shutil
import socket
import subprocess
import urllib.parse

from monitor_client import get
from tree import ROOT, until

BIN = ROOT / "test" / "prometheus" / "usr" / "bin"


def program(name):
    found = shutil.which(name) or BIN / name
    assert pathlib.Path(found).exists(), \
        f"{name} is not there: run scripts/setup --for-tests"
    return str(found)


def lint(text):
    """What `promtool check metrics` has to say: nothing, if all is well."""
    done = subprocess.run([program("promtool"), "check", "metrics"],
                          input=text, text=True, capture_output=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Prometheus:
    """A running Prometheus that scrapes (host, port) four times a second."""

    def __init__(self, home, target, jobs=None):
        self.home = pathlib.Path(home)
        self.where = ("127.0.0.1", free_port())
        config = self.home / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 250ms, scrape_timeout: 250ms}\n" +
            (jobs or "scrape_configs:\n  - job_name: banyan\n"
             "    static_configs:\n"
             f"      - targets: ['{target[0]}:{target[1]}']\n"))
        self.log = self.home / "prometheus.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [program("prometheus"), f"--config.file={config}",
                 f"--storage.tsdb.path={self.home / 'tsdb'}",
                 f"--web.listen-address={self.where[0]}:{self.where[1]}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def query(self, words):
        """The result's list, empty while there is none."""
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        with contextlib.suppress(OSError):
            answer = get(self.where, "/api/v1/query?" +
                         urllib.parse.urlencode({"query": words}))
            if answer.status == 200:
                return answer.json["data"]["result"]
        return []

    def until(self, words, seconds=30):
        return until(lambda: self.query(words), seconds,
                     f"{words}\n{self.log.read_text()[-1500:]}")
