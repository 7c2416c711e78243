"""A tree whose functions run in pools of its own, for scenario and chaos."""
import json
import os
import pathlib
import shutil
import signal
import tempfile

from phoenix_client import RawClient
from tree import Tree, descendants, stat_of, until

PROGRAM = pathlib.Path(__file__).resolve().parent / "runner_program.py"
SETTINGS = """\
node: test
gateway:
  port: 0
  channels:
    - {{topic: "api:*", event: api, require_verified_user_id: false}}
auth: {{mode: none}}
log: {{level: {level}}}
supervisor: {{{supervisor}}}
pools:
  {pools}
  list:
{list}
functions:
{functions}
"""
NAMES = {
    "echo": {"x": "any"}, "who": {}, "pid": {}, "environment": {},
    "count": {"x": "string"}, "count_slow": {"x": "string"},
    "sleep": {"x": "num"}, "spin": {"x": "num"}, "never": {}, "hold": {}, "die": {},
    "segfault": {}, "twice": {}, "unknown": {}, "garbage": {}, "huge": {},
    "hang_up": {}, "fail": {"x": "string"},
    "print": {"x": "string", "n": "num"}, "fork": {}, "eat": {},
    "no_credit": {}, "retire": {}, "parts": {"x": "num"},
}


def pool(name="default", size=2, arguments=(), **more):
    """An item of pools.list whose runners do as they are told."""
    return {"name": name, "worker_profile": "process", "pool_size": size,
            "startup_batch_delay_ms": 10, "adapter": "program",
            "program": ["/usr/bin/python3", str(PROGRAM), "HOME",
                        *arguments], **more}


def function(name, arguments, **more):
    if arguments:
        more = {"arg_types": arguments, "arg_orders": list(arguments), **more}
    return {"service": "local", "request_type": name, "nodes": "local",
            "mfa": {"module": "m", "function": name, "args": []},
            "check_permission": False, "timeout": 5000,
            "response_type": "stream" if name == "parts" else "sync", **more}


def functions(**changed):
    return [function(name, arguments, **changed.get(name, {}))
            for name, arguments in NAMES.items()]


class LocalTree(Tree):
    """`pools` are items of pools.list; `rules` more keys under pools, `top` more
    keys of the file."""

    def __init__(self, pools=None, more=(), rules="", supervisor="",
                 level="info", top="", **changed):
        self.notes = pathlib.Path(tempfile.mkdtemp(prefix="banyan-notes."))
        pools = pools or [pool()]
        text = json.dumps(pools).replace('"HOME"', json.dumps(
            str(self.notes)))
        every = functions(**changed) + list(more)
        super().__init__(SETTINGS.format(
            supervisor=supervisor, level=level, pools=rules or "max_queue_size: 1000",
            list="\n".join(f"    - {json.dumps(p)}"
                           for p in json.loads(text)),
            functions="\n".join(f"  - {json.dumps(f)}" for f in every)) + top,
            service=False, start=False)
        try:
            self.start()
            self.port = self.gateway_port()
            until(lambda: "link_up node=local" in self.log(), 10,
                  "the gateway is linked to its pools")
            self.clients = []
        except BaseException:
            print(self.log()[-4000:])
            self.close(check=False)
            raise

    def close(self, check=True):
        for client in getattr(self, "clients", []):
            client.socket.close()
        runners = self.runners() if self.daemon else {}
        super().close(check)
        shutil.rmtree(self.notes, ignore_errors=True)
        if check:
            left = [pid for pid in runners.values()
                    if os.path.exists(f"/proc/{pid}")]
            assert not left, f"runners left behind: {left}"

    # --- what clients do ---

    def client(self):
        client = RawClient(self.port)
        self.clients.append(client)
        client.join_ref = client.join()[0]
        return client

    def ask(self, client, name, request_id="r", **arguments):
        return client.call(
            {"service": "local", "request_type": name,
             "request_id": request_id, "args": arguments},
            join_ref=client.join_ref)[0]

    # --- what runners there are ---

    def pool_pid(self):
        return self.child("worker_pool")["pid"]

    def runners(self):
        """{name: pid} of the runners that live now."""
        found = {}
        try:
            pool_pid = self.pool_pid()
            children = descendants(pool_pid)
        except (AssertionError, KeyError, TypeError):
            return found
        for pid in children:
            if (stat_of(pid) or (0, 0))[1] != pool_pid:
                continue  # a child of a runner
            try:
                env = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                continue
            for entry in env.split(b"\0"):
                if entry.startswith(b"BANYAN_RUNNER="):
                    found[entry[14:].decode()] = pid
        return found

    def until_ready_runners(self, count, seconds=20):
        until(lambda: self.gauge("runners_ready") == count, seconds,
              f"{count} runners are ready")

    def gauge(self, name):
        for process in self.banyan("stats")["processes"]:
            if process.get("role") == "worker_pool":
                return process["counters"].get(name)
        return None

    def pools(self):
        """The figures of all pools together, now."""
        return self.banyan("pools")["total"]

    def kill_runner(self, name, number=signal.SIGKILL):
        pid = self.runners()[name]
        os.kill(pid, number)
        return pid

    def until_replaced(self, name, pid, seconds=5):
        return until(lambda: self.runners().get(name) not in (None, pid)
                     and self.runners()[name], seconds, f"{name} is replaced")

    def why(self, name):
        return self.run_banyan("why", name).stdout
