"""`telemetry.publish`: the bus over TCP, signed, to who reads and who does not."""
import json
import socket

import pytest

from bus_wire import Subscriber
from tree import Tree, until

SECRET = b"a secret of this tree"
SETTINGS = """\
node: test
gateway:
  port: 0
  channels:
    - {{topic: "api:*", event: api, require_verified_user_id: false}}
auth: {{mode: none}}
monitoring: {{port: 0}}
telemetry:
  attach: [config., process.command]
  publish: ["tcp://127.0.0.1:{port}"]
  bus: {{secret: "a secret of this tree"}}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(name="tree", scope="module")
def one_tree():
    for _ in range(5):  # somebody may take the port before the tree does
        port = free_port()
        with Tree(SETTINGS.format(port=port), service=False) as tree:
            if "bus_not_listening" in tree.log():
                continue
            tree.bus_port = port
            yield tree
            return
    raise AssertionError("no port could be had")


def listeners(tree):
    return tree.banyan("bus", "status")["listeners"]


def add(tree, name):
    tree.banyan("functions", "update", json.dumps(
        {"service": "made", "request_type": name, "nodes": ["n"],
         "mfa": {"module": "m", "function": "f", "args": []}}))


def test_what_is_published_over_tcp_is_signed(tree):
    before = listeners(tree)
    with Subscriber(tree.bus_port) as subscriber:
        until(lambda: listeners(tree) > before, 10, "it listens")
        # whoever is far away has no pid here
        assert len(tree.banyan("bus", "status")["listener_pids"]) < listeners(tree)
        add(tree, "a")
        got = subscriber.read_until(lambda m: m.topic == "telemetry/config.add")
        assert got.is_signed_with(SECRET)
        assert not got.is_signed_with(b"another secret, not ours")
        forged = got.map.replace(b"made", b"mado")
        assert forged != got.map
        got.map = forged
        assert not got.is_signed_with(SECRET)
    until(lambda: listeners(tree) == before, 10, "it has gone")


def test_who_does_not_read_loses_messages_and_nobody_else_does(tree):
    before = listeners(tree)
    with Subscriber(tree.bus_port) as deaf, Subscriber(tree.bus_port) as reader:
        until(lambda: listeners(tree) == before + 2, 10, "both listen")
        add(tree, "b")
        last = reader.read_until(lambda m: m.topic == "telemetry/config.add")
        for n in range(30):
            add(tree, f"c{n}")
            got = reader.read()
            # one after the other, whoever stands still beside it
            while got.topic != "telemetry/config.add":
                assert got.sequence() == last.sequence() + 1
                last, got = got, reader.read()
            assert got.sequence() == last.sequence() + 1
            assert f"c{n}".encode() in got.map and got.is_signed_with(SECRET)
            last = got
        first = deaf.read()
        assert first.is_signed_with(SECRET)


def test_garbage_on_the_port_harms_nobody(tree):
    for bytes_ in (b"GET / HTTP/1.1\r\n\r\n", b"\0SP\0\0\x30\0\0" + b"\xff" * 64,
                   b"\0SP\0\0\x21\0\0" + b"\xff" * 4096):
        with socket.create_connection(("127.0.0.1", tree.bus_port), 10) as rude:
            rude.sendall(bytes_)
    life = tree.life("monitor")
    with Subscriber(tree.bus_port) as subscriber:
        until(lambda: listeners(tree) > 0, 10, "it listens")
        add(tree, "d")
        subscriber.read_until(lambda m: m.topic == "telemetry/config.add")
    assert tree.life("monitor") == life
