"""A new gateway meets the nodes it knows before it takes clients."""
import os
import signal

from gateway_tree import GatewayTree, request
from tree import until


class StillNodes:
    """The tree's nodes stand still: they can be dialled and do not greet."""

    def __init__(self, tree):
        self.tree = tree

    def send(self, number):
        for service in self.tree.services:
            service.send_signal(number)

    def __enter__(self):
        self.send(signal.SIGSTOP)

    def __exit__(self, *_):
        self.send(signal.SIGCONT)


def new_gateway(tree):
    """Kills the gateway; the next life is ready when this returns."""
    life = tree.life("gateway/1")
    os.kill(tree.pid("gateway/1"), signal.SIGKILL)
    tree.until("gateway/1", life=life + 1, state="up")


def knocking(tree):
    """A connection whose upgrade has been sent and not been answered."""
    client = tree.client(upgrade=False)
    client.write(b"GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\n"
                 b"Host: h\r\nUpgrade: websocket\r\n"
                 b"Connection: Upgrade\r\nSec-WebSocket-Key: "
                 b"dGhlIHNhbXBsZSBub25jZQ==\r\n"
                 b"Sec-WebSocket-Version: 13\r\n\r\n")
    return client


def first_answer(client):
    client.socket.settimeout(20)
    assert " 101 " in client.read_head()
    client.join("api:lobby")
    return client.call(request(args={"a": 1}))[0]


def test_a_new_gateway_takes_clients_when_it_has_met_its_nodes():
    with GatewayTree(gateway="meet_timeout_ms: 60000") as tree:
        with StillNodes(tree):
            new_gateway(tree)
            client = knocking(tree)
            # it answers operators, so it had its time to take the client
            assert tree.banyan("nodes")
            assert tree.counter("connections") == 0
        with client:
            answer = first_answer(client)
        assert answer["success"], answer


def test_a_node_that_never_greets_holds_up_nobody_for_long():
    with GatewayTree() as tree, StillNodes(tree):
        new_gateway(tree)
        with knocking(tree) as client:
            assert first_answer(client)["code"] == "not_dispatched"


def test_a_node_that_is_not_there_holds_up_nobody():
    with GatewayTree(gateway="meet_timeout_ms: 60000") as tree:
        for service in tree.services:
            service.kill()
            service.wait()
        new_gateway(tree)
        with knocking(tree) as client:
            assert first_answer(client)["code"] == "not_dispatched"
        until(lambda: tree.counter("connections") == 0, 10, "it has gone")
