"""Transcripts of the stock phoenix client: steps and the frames they cause.

    # An async call: taken at once, answered later.
    @ a connect
    @ a join api:lobby
    a> ["3","3","api:lobby","phx_join",{}]
    a< ["3","3","api:lobby","phx_reply",{"status":"ok","response":{}}]
    @ a call slow_later {"ms": 20}
    …

`@` is a step, everything else until the next step is what passes because of
it: `>` sent, `<` received, `>b` and `<b` binary frames taken apart, `!` the
close code. Several clients (a, b, …) may take part; each one's frames are
compared in their order, between clients there is none. Steps:

    NAME connect [v1]         a client of its own, V2 unless it says v1
    NAME join TOPIC [EVENT]   EVENT is where it listens, `api` when not said
    NAME call TYPE [ARGS]     a call of service `test` (relay.TYPE: of `relay`)
                              on the topic joined last; its request_id is r1,
                              r2, … in the file's order
    NAME binary TYPE [ARGS]   the same as msgpack in a binary frame
    NAME json TYPE [ARGS]     the same as JSON in a binary frame
    NAME push TOPIC EVENT PAYLOAD
    NAME say TOPIC EVENT PAYLOAD [JOIN_REF]
                              a message outside any channel of the client
    NAME leave TOPIC
    NAME disconnect
    kill NODE · start NODE    a service node
    drain                     the gateway leaves and another one comes

UNIQUE in a step is a word that no other run has used, for keys and groups; it
reads UNIQUE in the frames as well. USER_a is what the gateway calls client a,
where the tree can tell (tree.user_of).

With BANYAN_GOLDEN=write the frames are written into the file instead of being
compared with it: look at the difference before you commit it.
"""
import base64
import itertools
import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scenario"))
from service import pack, unpack  # noqa: E402
from tree import until  # noqa: E402

DRIVER = HERE.parent / "scenario" / "phoenix_driver.js"
WRITES = os.environ.get("BANYAN_GOLDEN") == "write"
QUIET_S = 0.4  # while writing: nothing more comes of a step,
DRAIN_S = 6    # or, once the gateway drains, of one that waits for it
FRAMES = 20    # seconds to wait for a frame that is in the file

# What differs from run to run, and the word that stands for it.
UNSTEADY = [
    (re.compile(r'("retry_after_ms": ?)\d+'), r"\g<1>N"),
    (re.compile(r"(retry after )\d+( seconds)"), r"\g<1>N\2"),
    (re.compile(r"guest:\d+-\d+-\d+"), "guest:ID"),
    (re.compile(r'("(?:expires_in_ms|duration_ms)": ?)\d+'), r"\g<1>N"),
    (re.compile(r"x{100,}"), lambda found: f"x*{len(found[0])}"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
]


def steady(text):
    for pattern, word in UNSTEADY:
        text = pattern.sub(word, text)
    return text


def as_json(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False,
                      default=lambda b: {"bytes": b.hex()})


def binary_text(way, data):
    """A binary frame as text: its kind, its names, what it carries."""
    if way == ">b" or data[0] == 1:
        names = ["join_ref", "ref", "topic",
                 "status" if data[0] == 1 else "event"]
    else:
        names = ["join_ref", "topic", "event"]
    at, parts = 1 + len(names), {}
    for name, size in zip(names, data[1:]):
        parts[name] = data[at:at + size].decode()
        at += size
    kind = "json" if data[at:at + 1] == b"{" or (
        way == "<b" and data[at:at + 1] == b'"') else "msgpack"
    value = json.loads(data[at:]) if kind == "json" else unpack(data, at)[0]
    return as_json({"kind": data[0], **parts, kind: value})


class Client:
    """The stock client in a node process, every frame of it recorded."""

    def __init__(self, url, vsn):
        self.process = subprocess.Popen(
            ["node", str(DRIVER)], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.numbers = itertools.count(1)
        self.frames = queue.Queue()
        self.topic = None
        self.is_closed = False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        self.ask("connect", url=url, vsn=vsn, record=True)

    def read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            if "frame" not in said:
                continue
            way, data = said["frame"]
            if way.endswith("b"):
                data = binary_text(way, base64.b64decode(data))
            self.frames.put((way, steady(data)))

    def ask(self, op, **arguments):
        self.process.stdin.write(json.dumps(
            {"id": next(self.numbers), "op": op, **arguments}) + "\n")
        self.process.stdin.flush()

    def next(self, seconds):
        """The next frame, or None."""
        try:
            way, data = self.frames.get(timeout=seconds)
        except queue.Empty:
            return None
        self.is_closed = self.is_closed or way == "!"
        return f"{way} {data}"

    def rest(self):
        """What came that nobody expected: a heartbeat's reply is last."""
        if self.is_closed:
            return []
        self.ask("say", topic="phoenix", event="heartbeat", payload={})
        found = []
        while True:
            frame = self.next(FRAMES)
            if frame is None or frame.startswith("!"):
                return found + [str(frame)]
            if frame.startswith("> ") and '"heartbeat"' in frame:
                continue
            if frame.startswith("< ") and '"phoenix"' in frame:
                return found
            found.append(frame)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.thread.join(5)
        self.process.stdin.close()
        self.process.stdout.close()


class Step:
    def __init__(self, line):
        self.line = line
        self.words = line.split(maxsplit=2)[1:]
        self.frames = {}  # client → its lines

    def waits(self, player):
        """The last step behind a drain sees it to its end."""
        return bool(player.threads) and player.last is self

    def add(self, client, line):
        self.frames.setdefault(client, []).append(line)


def read_steps(path):
    """(comment lines, steps) of a transcript."""
    head, steps = [], []
    for line in path.read_text().splitlines():
        if line.startswith("@ "):
            steps.append(Step(line))
        elif steps and line:
            client = re.match(r"\w+", line)[0]
            steps[-1].add(client, line[len(client):])
        elif not steps:
            head.append(line)
    return head, steps


class Player:
    """Runs the steps of one transcript against a tree."""

    def __init__(self, tree, last):
        self.tree = tree
        self.last = last  # step of the transcript
        self.clients = {}
        self.ids = itertools.count(1)
        self.threads = []
        self.users = {}
        self.unique = "u" + os.urandom(6).hex()

    def close(self):
        for client in self.clients.values():
            client.end()
        for thread in self.threads:
            thread.join(30)

    def run(self, step):
        first, *rest = [re.sub(r"USER_(\w+)",
                               lambda found: self.users[found[1]],
                               w.replace("UNIQUE", self.unique))
                        for w in step.words]
        if first == "drain":
            thread = threading.Thread(target=self.tree.run_banyan,
                                      args=("restart", "gateway/1"))
            thread.start()
            self.threads.append(thread)
            until(lambda: self.tree.child("gateway/1")["state"] == "draining",
                  10, "the gateway drains")
        elif first == "kill":
            service = self.tree.by_name.pop(rest[0])
            service.kill()
            service.wait()
        elif first == "start":
            self.tree.by_name[rest[0]] = self.tree.start_node(rest[0])
            self.tree.until_live(rest)
        else:
            verb, _, more = rest[0].partition(" ")
            self.act(first, verb, more)

    def act(self, name, verb, more):
        if verb == "connect":
            url = self.tree.endpoints()["gateway"].split("/websocket")[0]
            vsn = "1.0.0" if more == "v1" else "2.0.0"
            if hasattr(self.tree, "user_of"):
                self.clients[name], self.users[name] = self.tree.user_of(
                    lambda: Client(url, vsn))
            else:
                self.clients[name] = Client(url, vsn)
            return
        client = self.clients[name]
        if verb == "join":
            client.topic, _, event = more.partition(" ")
            client.ask("join", topic=client.topic, event=event or "api")
        elif verb in ("call", "binary", "json"):
            kind, _, args = more.partition(" ")
            service, _, kind = kind.rpartition(".")
            payload = {"service": service or "test", "request_type": kind,
                       "request_id": f"r{next(self.ids)}",
                       "args": json.loads(args or "{}")}
            self.call(client, verb, payload)
        elif verb in ("push", "say"):
            topic, event, tail = more.split(" ", 2)
            payload, at = json.JSONDecoder().raw_decode(tail)
            join_ref = tail[at:].strip()
            client.ask(verb, topic=topic, event=event, payload=payload,
                       **({"join_ref": join_ref} if join_ref else {}))
        elif verb == "leave":
            client.ask("leave", topic=more)
        elif verb == "disconnect":
            client.ask("disconnect")
        else:
            raise ValueError(f"no such step: {verb}")

    @staticmethod
    def call(client, verb, payload):
        where = {"topic": client.topic, "event": "api"}
        if verb == "call":
            client.ask("push", payload=payload, **where)
            return
        data = pack(payload) if verb == "binary" else \
            as_json(payload).encode()
        client.ask("push_binary",
                   data=base64.b64encode(data).decode(), **where)

    def heard(self, step):
        """{client: lines} of what a step caused; as many as it should."""
        found = {}
        for name, client in self.clients.items():
            lines = []
            wanted = len(step.frames.get(name, []))
            while WRITES or len(lines) < wanted:
                frame = client.next(FRAMES if not WRITES else DRAIN_S
                                    if step.waits(self) else QUIET_S)
                if frame is None:
                    break
                lines.append(frame.replace(self.unique, "UNIQUE"))
            if lines:
                found[name] = lines
        return found


def play(tree, path):
    """Runs a transcript; compares it, or writes it anew."""
    head, steps = read_steps(path)
    player, out = Player(tree, steps[-1]), list(head)
    try:
        for step in steps:
            player.run(step)
            found = player.heard(step)
            out.append(step.line)
            out += [name + line for name, lines in found.items()
                    for line in lines]
            if not WRITES:
                assert found == step.frames, step.line
        for name, client in player.clients.items():
            assert client.rest() == [], f"{name} heard more"
    finally:
        player.close()
    if WRITES:
        path.write_text("\n".join(out) + "\n")
    tree.until_whole()
    until(lambda: all(tree.node(n).get("state") == "live"
                      for n in tree.by_name), 15, "nodes are live")
