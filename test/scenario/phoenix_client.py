"""Phoenix clients for scenario tests: the stock one, and a raw one.

StockClient is the npm package `phoenix` in a node process: what users run.
RawClient writes envelopes by hand: what users should not do.
"""
import itertools
import json
import pathlib
import queue
import shutil
import subprocess
import threading

from websocket import TEXT, WebSocket

HERE = pathlib.Path(__file__).resolve().parent
SEVEN_KEYS = {"request_id", "result", "success", "error", "async",
              "has_more", "can_retry"}


def stock_client_is_here():
    return shutil.which("node") is not None and \
        (HERE.parent / "node_modules" / "phoenix").exists()


class StockClient:
    """A node process that runs the stock client; a context manager."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["node", str(HERE / "phoenix_driver.js")], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ids = itertools.count(1)
        self.values = {}
        self.events = queue.Queue()
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(5)
        self.process.stdout.close()

    def read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            if "id" in message:
                with self.changed:
                    self.values[message["id"]] = message["value"]
                    self.changed.notify_all()
            else:
                self.events.put(message)

    def ask(self, op, timeout=15, **arguments):
        number = next(self.ids)
        self.process.stdin.write(
            json.dumps({"id": number, "op": op, **arguments}) + "\n")
        self.process.stdin.flush()
        with self.changed:
            assert self.changed.wait_for(
                lambda: number in self.values, timeout), f"{op}: no answer"
            return self.values.pop(number)

    def connect(self, url, **options):
        return self.ask("connect", url=url, **options)

    def join(self, topic, **options):
        return self.ask("join", topic=topic, **options)

    def push(self, topic, event, payload, **options):
        return self.ask("push", topic=topic, event=event, payload=payload,
                        **options)

    def leave(self, topic):
        return self.ask("leave", topic=topic)

    def event(self, kind, timeout=10):
        """The next event of a kind: "push", "socket" or "channel"."""
        while True:
            message = self.events.get(timeout=timeout)
            if kind in message:
                return message


class RawClient(WebSocket):
    """Speaks envelopes; `vsn` "2.0.0" or "1.0.0"."""

    def __init__(self, port, vsn="2.0.0", query="", **how):
        path = "/socket/websocket" + (f"?vsn={vsn}" if vsn else "") + query
        super().__init__(port, path, **how)
        self.refs = itertools.count(1)
        self.is_v1 = vsn != "2.0.0"

    def say(self, join_ref, ref, topic, event, payload):
        if self.is_v1:
            message = {"topic": topic, "event": event, "payload": payload,
                       "ref": ref}
        else:
            message = [join_ref, ref, topic, event, payload]
        self.send(TEXT, json.dumps(message))

    def hear(self):
        """The next message as [join_ref, ref, topic, event, payload]."""
        kind, data = self.read()
        assert kind == TEXT, (kind, data)
        message = json.loads(data)
        if self.is_v1:
            return [None, message["ref"], message["topic"], message["event"],
                    message["payload"]]
        return message

    def join(self, topic="api:lobby", join_ref=None, payload=None):
        """Joins and gives (join_ref, status, response)."""
        join_ref = join_ref or str(next(self.refs))
        self.say(join_ref, join_ref, topic, "phx_join", payload or {})
        got = self.hear()
        assert got[1] == join_ref and got[3] == "phx_reply", got
        return join_ref, got[4]["status"], got[4]["response"]

    def start_call(self, payload, topic="api:lobby", event="api",
                   join_ref=None):
        ref = str(next(self.refs))
        self.say(join_ref, ref, topic, event, payload)
        return ref

    def call(self, payload, **how):
        """One call alone: (pushed response, reply payload), order checked."""
        ref = self.start_call(payload, **how)
        push, reply = self.hear(), self.hear()
        assert push[3] == how.get("event", "api") and push[1] is None, push
        assert reply[3] == "phx_reply" and reply[1] == ref, reply
        assert SEVEN_KEYS <= set(push[4]), push
        if push[4]["success"]:
            assert set(push[4]) == SEVEN_KEYS
        else:
            assert "code" in push[4]
            assert ("retry_after_ms" in push[4]) == push[4]["can_retry"]
        return push[4], reply[4]
