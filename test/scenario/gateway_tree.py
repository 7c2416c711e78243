"""A tree with a Python service node and functions for every outcome."""
import json
import pathlib
import sys

from phoenix_client import RawClient
from tree import Tree, until

SERVICE = pathlib.Path(__file__).resolve().parent / "service.py"

SETTINGS = """\
node: test
gateway:
  port: 0
  max_channels: 5
  {gateway}
  channels:
    - {{topic: "api:*", event: api, require_verified_user_id: false}}
    - {{topic: "lobby", event: api, require_verified_user_id: false}}
    - {{topic: "plain:*", require_verified_user_id: false}}
    - {{topic: "secure:*"}}
auth: {{{auth}}}
monitoring: {{port: 0}}
{more}
nodes:
  - {{name: one, url: "ipc://${{runtime_dir}}/services/one.ipc"}}
  - {{name: two, url: "ipc://${{runtime_dir}}/services/two.ipc"}}
  - {{name: gone, url: "ipc://${{runtime_dir}}/services/gone.ipc"}}
"""

FUNCTIONS = [
    {"request_type": "echo", "arg_types": {"a": "any"}},
    {"request_type": "nothing", "function": "echo"},
    {"request_type": "pair", "function": "echo", "arg_orders": ["b", "a"],
     "arg_types": {"a": "string", "b": "num"}},
    {"request_type": "info", "function": "echo", "request_info": True},
    {"request_type": "slow", "arg_types": {"ms": "num"}, "timeout": 5000},
    {"request_type": "never", "timeout": 300},
    {"request_type": "fail", "arg_types": {"text": "string"}},
    {"request_type": "bad_key"},
    {"request_type": "bytes"},
    {"request_type": "parts", "arg_types": {"all": "any"},
     "response_type": "stream"},
    {"request_type": "not_utf8"},
    {"request_type": "twice"},
    {"request_type": "big", "arg_types": {"bytes": "num"}},
    {"request_type": "die"},
    {"request_type": "die_once", "function": "die", "nodes": ["one", "two"]},
    {"request_type": "die_twice", "function": "die", "idempotent": True,
     "nodes": ["one", "two"]},
    {"request_type": "lost", "function": "echo", "nodes": ["gone"]},
    {"request_type": "second", "function": "who", "nodes": ["gone", "two"]},
    {"request_type": "limited", "function": "echo",
     "arg_types": {"key": "string"}},
    {"request_type": "off", "function": "echo", "disabled": True},
    {"request_type": "versions", "function": "who", "version": "1.0.0"},
    {"request_type": "versions", "function": "echo", "version": "2.0.0"},
    {"request_type": "half", "function": "who"},
    {"request_type": "half", "function": "who", "version": "9.0.0",
     "disabled": True},
]


# Every way of answering: what streams_test and modes_test call.
MODES = [
    {"request_type": "echo", "arg_types": {"a": "any"}},
    {"request_type": "seen"},
    {"request_type": "slow", "arg_types": {"ms": "num"}},
    {"request_type": "part_then_answer"},
    {"request_type": "fail_sync", "function": "fail",
     "arg_types": {"text": "string"}},
    *({"response_type": "async", "timeout": 2000, **f} for f in (
        {"request_type": "echo_later", "function": "echo",
         "arg_types": {"a": "any"}},
        {"request_type": "slow_later", "function": "slow",
         "arg_types": {"ms": "num"}},
        {"request_type": "fail_later", "function": "fail",
         "arg_types": {"text": "string"}},
        {"request_type": "never_later", "function": "never", "timeout": 300},
        {"request_type": "wait_later", "function": "never",
         "timeout": 60000},
        {"request_type": "die_later", "function": "die"},
        {"request_type": "bad_later", "function": "bad_key"},
        {"request_type": "lost_later", "function": "echo",
         "nodes": ["gone"]})),
    *({"response_type": "none", **f} for f in (
        {"request_type": "tell", "function": "echo",
         "arg_types": {"a": "any"}},
        {"request_type": "tell_slow", "function": "slow",
         "arg_types": {"ms": "num"}},
        {"request_type": "tell_fail", "function": "fail",
         "arg_types": {"text": "string"}},
        {"request_type": "tell_lost", "function": "echo",
         "nodes": ["gone"]})),
    *({"response_type": "stream", "timeout": 60000, **f} for f in (
        {"request_type": "count", "arg_types": {
            "n": "num", "ms": {"type": "num", "allow_nil": True}},
         "arg_orders": ["n", "ms"]},
        {"request_type": "parts", "arg_types": {"all": "any"}},
        {"request_type": "forever", "arg_types": {"bytes": "num"}},
        {"request_type": "fail_after", "arg_types": {"n": "num"}},
        {"request_type": "stall", "arg_types": {"n": "num"}},
        {"request_type": "stall_briefly", "function": "stall",
         "arg_types": {"n": "num"}, "timeout": 300},
        {"request_type": "stall_for_ever", "function": "stall",
         "arg_types": {"n": "num"}, "timeout": "infinity"},
        {"request_type": "bad_part"},
        {"request_type": "die_after", "arg_types": {"n": "num"}},
        {"request_type": "die_after_twice", "function": "die_after",
         "arg_types": {"n": "num"}, "idempotent": True,
         "nodes": ["one", "two"]},
        {"request_type": "greedy", "arg_types": {"bytes": "num"}},
        {"request_type": "odd_index"},
        {"request_type": "one_answer", "function": "echo",
         "arg_types": {"a": "any"}},
        {"request_type": "lost_stream", "function": "echo",
         "nodes": ["gone"]})),
]


class GatewayTree(Tree):
    """Settings: `gateway` is one more line there, `more` a top-level part."""

    def __init__(self, gateway="", more="", nodes=("one", "two"),
                 functions=None, auth="mode: none", **how):
        self.functions = FUNCTIONS if functions is None else functions
        super().__init__(SETTINGS.format(gateway=gateway, more=more,
                                         auth=auth),
                         service=False, start=False, **how)
        try:
            self.start()
            for name in nodes:
                self.start_node(name)
            self.add_functions()
            self.port = int(
                self.endpoints()["gateway"].split(":")[2].split("/")[0])
            self.until_live(nodes)
        except BaseException:
            print(self.log()[-4000:])
            self.close(check=False)
            raise

    def start_node(self, name):
        return self.start_service(
            [sys.executable, str(SERVICE)],
            f"ipc://{self.run}/services/{name}.ipc", name)

    def add_functions(self):
        for given in self.functions:
            fields = dict(given)
            function = fields.pop("function", fields["request_type"])
            config = {"service": "test", "nodes": ["one"],
                      "mfa": {"module": "test", "function": function},
                      **fields}
            done = self.run_banyan("functions", "add", json.dumps(config))
            assert done.returncode == 0, (config, done)

    def node(self, name):
        """What the first gateway says of a node."""
        said = self.banyan("nodes", code=None) or {"instances": []}
        return next((n for i in said["instances"]
                     for n in i.get("result") or [] if n["name"] == name), {})

    def until_live(self, names):
        until(lambda: all(self.node(n).get("state") == "live"
                          for n in names), 10, f"{names} are live")

    def counter(self, name):
        """A gateway counter, summed over instances."""
        # `since_last` beside the counters has the same names
        stats = self.banyan("stats", code=None) or {}
        return sum(process.get("counters", {}).get(name, 0)
                   for process in stats.get("processes", []))

    def client(self, **how):
        return RawClient(self.port, **how)

    def joined(self, topic="api:lobby", **how):
        client = self.client(**how)
        assert client.join(topic)[1] == "ok"
        return client


def request(request_type="echo", args=None, **fields):
    return {"service": "test", "request_type": request_type,
            "request_id": "r1", "args": args or {}, **fields}
