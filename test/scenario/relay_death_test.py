"""Groups outlive the relay, the tree and the disk; memberships outlive the
relay; and nobody who is gone is told anything."""
import json
import os
import signal
import socket
import subprocess

import pytest

from functions_disk_test import with_slow_sync
from gateway_peer import CHUNK, CREDIT, ERROR, RESULT, Gateway
from monitor_client import get
from relay_members import Member, RelayTree
from scripted_service import pack
from tree import STAGE, until

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a tmpfs")


def ok_at_last(member, request_type, **args):
    """A call while the relay may be away: until it is answered with ok."""
    until(lambda: member.ask(request_type, **args)["success"], 10,
          request_type)


def both_hear(a, b, group):
    ok_at_last(a, "send", group_id=group, message="heard")
    assert a.message()[1] == b.message()[1] == "heard"


@pytest.fixture(name="tree")
def a_tree():
    with RelayTree() as tree:
        yield tree


def test_members_stay_members_when_the_relay_dies(tree):
    a, b, c = (tree.member() for _ in range(3))
    a.ok("create", group_id="g", group_type="strict_private")
    for other in (b, c):
        other.ok("join", group_id="g")
    a.ok("accept", group_id="g", user_id=b.user)
    before = tree.members_of("g")
    for _ in range(3):
        life = tree.life("relay")
        tree.kill("relay")
        tree.until("relay", state="up", life=life + 1)
        both_hear(a, b, "g")
        assert tree.members_of("g") == before
        c.silence()


@pytest.mark.parametrize("is_back", [True, False])
def test_a_message_that_outlives_its_sender_is_refused(tree, is_back):
    known = tree.counter("compiled")
    added = tree.run_banyan("functions", "add", json.dumps({
        "service": "test", "request_type": "post", "nodes": ["relay"],
        "mfa": {"module": "relay", "function": "send", "args": []},
        "arg_types": {"group_id": "string", "message": "string"},
        "arg_orders": ["group_id", "message"], "check_permission": False,
        "response_type": "none", "retry": 100, "timeout": 120000}))
    assert added.returncode == 0, added
    until(lambda: tree.counter("compiled") > known, 10, "it is known")
    a = tree.member()
    tree.banyan("stop", "relay")
    until(lambda: tree.counter("in_flight") == 0, 5, "the link is down")
    a.start("post", "test", group_id="g", message="x")
    assert a.hear()[3] == "phx_reply"
    until(lambda: tree.counter("retries") > 0 and
          tree.counter("in_flight") == 1, 10, "it is tried again")
    a.socket.close()
    until(lambda: tree.counter("connections") == 0, 5, "its sender is gone")
    if is_back:
        tree.banyan("start", "relay")
    # it cannot say any more whose message it is: not tried to its deadline
    until(lambda: tree.counter("in_flight") == 0, 30, "it is over")
    assert tree.life("gateway/1") == 1


def test_who_leaves_while_the_relay_is_down_is_gone_when_it_is_back(tree):
    a, b = tree.member(), tree.member()
    a.ok("create", group_id="g", group_type="public")
    b.ok("join", group_id="g")
    tree.banyan("stop", "relay")
    b.socket.close()
    assert not a.ask("send", group_id="g", message="x")["success"]
    tree.banyan("start", "relay")
    until(lambda: tree.members_of("g") == {a.user: "admin active"}, 10)
    ok_at_last(a, "send", group_id="g", message="alone")
    assert a.message()[1] == "alone"


def test_a_relay_that_stands_still_is_replaced_and_members_stay(tree):
    a, b = tree.member(), tree.member()
    a.ok("create", group_id="g", group_type="public")
    b.ok("join", group_id="g")
    life = tree.life("relay")
    tree.kill("relay", signal.SIGSTOP)
    tree.until("relay", seconds=20, state="up", life=life + 1)
    both_hear(a, b, "g")


def test_a_relay_that_is_restarted_in_order_loses_nothing(tree):
    a, b = tree.member(), tree.member()
    a.ok("create", group_id="g", group_type="private")
    b.ok("join", group_id="g")
    a.ok("accept", group_id="g", user_id=b.user)
    tree.banyan("restart", "relay", timeout=30)
    both_hear(a, b, "g")


def test_groups_outlive_the_tree_and_memberships_do_not(tree):
    a = tree.member()
    a.ok("create", group_id="g", group_type="strict_private")
    tree.banyan("groups", "create", "kept", "public")
    tree.banyan("shutdown", timeout=30)
    tree.daemon.wait(20)
    tree.start()
    tree.port = int(
        tree.endpoints()["gateway"].split(":")[2].split("/")[0])
    tree.until_live(())
    listed = {g["group_id"]: g for g in
              tree.banyan("groups", "list")["groups"]}
    assert set(listed) == {"g", "kept"}
    until(lambda: tree.members_of("g") == {}, 10)
    with Member(tree.port) as again:
        assert again.ok("join", group_id="kept")["status"] == "active"


def health_of(tree, group):
    """What relay says of one group."""
    one, = tree.banyan("relay", "health", group)["subscriptions"]
    return one


def test_a_gateway_that_dies_takes_its_members_along():
    with RelayTree("workers: {gateway: {instances: 2}}\n") as tree:
        first = tree.member()
        first.ok("create", group_id="g", group_type="public")
        members, where = [first], {}
        # who gets a client is the gateways' affair: until both have some
        while set(where.values()) != {1, 2} or len(members) < 12:
            assert len(members) < 200
            members.append(tree.member())
            members[-1].ok("join", group_id="g")
            where = {m["user_id"]: m["gateway"]
                     for m in tree.banyan("groups", "show", "g")["members"]}
        # a message crosses from one gateway to the other
        assert first.ok("send", group_id="g", message="all")[
            "recipients_count"] == len(members)
        assert [m.message()[1] for m in members] == ["all"] * len(members)
        assert health_of(tree, "g")["current_status"] == "healthy"
        tree.kill("gateway/2")
        stay = [m for m in members if where[m.user] == 1]
        until(lambda: set(tree.members_of("g")) == {m.user for m in stay}, 5)
        # the way to some is gone, and the next success is well again
        failed = health_of(tree, "g")
        assert failed["current_status"] == "failed"
        assert failed["last_event"] == "proxy_crashed"
        assert failed["error_count"] == 1
        both = stay[0].ok("send", group_id="g", message="left over")
        well = health_of(tree, "g")
        assert well["current_status"] == "healthy"
        assert well["last_event"] == "event_delivery_success"
        assert well["event_count"] > failed["event_count"]
        until(lambda: '"last_event":"event_delivery_success"' in
              get(tree, "/health/subscriptions").text.replace(" ", ""), 20)
        assert both["recipients_count"] == len(stay)
        for member in stay:
            assert member.message()[1] == "left over"


@NEEDS_ROOT
def warnings(tree, since):
    return [line for line in tree.log()[since:].splitlines()
            if " warn " in line or " error " in line or " fatal " in line]


def test_what_stops_as_it_was_asked_to_warns_of_nothing(tree):
    member = tree.member()
    member.ok("create", group_id="g", group_type="public")
    assert tree.run_banyan("restart", "gateway/1").returncode == 0
    until(lambda: "relay_gateway_left gateway=1 life=1" in tree.log(), 10,
          "it left")
    until(lambda: not tree.members_of("g"), 10, "its member is gone")
    tree.kill("gateway/1")
    until(lambda: "relay_gateway_gone gateway=1 life=2 reason=signal"
          in tree.log(), 10, "it was killed")
    tree.until("gateway/1", state="up", life=3)
    other = tree.member()
    other.ok("create", group_id="h", group_type="public")
    since = len(tree.log())
    tree.daemon.terminate()
    assert tree.daemon.wait(20) == 0
    assert "relay_gateway_left gateway=1 life=3" in tree.log()
    assert warnings(tree, since) == []


def test_a_full_disk_stops_nobody_and_is_caught_up_with():
    tree = RelayTree.__new__(RelayTree)
    mounts = []

    def spawn(original=RelayTree.spawn):
        if not mounts:
            tree.state.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o",
                            "size=4m,mode=0700", "tmpfs", str(tree.state)],
                           check=True)
            mounts.append(str(tree.state))
        return original(tree)
    tree.spawn = spawn
    try:
        tree.__init__()
        with tree:
            a, b = tree.member(), tree.member()
            a.ok("create", group_id="before", group_type="public")
            ballast = tree.state / "ballast"
            with open(ballast, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 4096)
                except OSError:
                    pass
            for number in range(300):
                a.ok("create", group_id=f"{number:0240d}",
                     group_type="public")
                if tree.of_relay("is_degraded"):
                    break
                a.ok("leave", group_id=f"{number:0240d}")
            assert tree.of_relay("is_degraded") == 1
            assert tree.of_relay("disk_errors") >= 1
            b.ok("join", group_id="before")
            both_hear(a, b, "before")
            ballast.unlink()
            until(lambda: tree.of_relay("is_degraded") == 0, 20)
            life = tree.life("relay")
            tree.kill("relay")
            tree.until("relay", state="up", life=life + 1)
            both_hear(a, b, "before")
    finally:
        for mount in mounts:
            subprocess.run(["umount", "-l", mount], check=False)
        subprocess.run(["rm", "-rf", str(tree.home)], check=False)


def test_a_disk_that_sleeps_delays_one_answer_and_no_more():
    library = STAGE / "libexec/banyan-test/libslow_sync.so"
    if not library.exists():
        pytest.skip("libslow_sync.so is not installed")
    tree = RelayTree.__new__(RelayTree)

    def spawn(original=RelayTree.spawn):
        tree.env["BANYAN_LIBEXEC_DIR"] = str(with_slow_sync(
            tree.home / "libexec", library, tree.home / "hang", "relay"))
        return original(tree)
    tree.spawn = spawn
    tree.__init__()
    with tree:
        a, b = tree.member(), tree.member()
        a.ok("create", group_id="g", group_type="public")
        life = tree.life("relay")
        (tree.home / "hang").touch()
        b.ok("join", group_id="g")  # after a second, without the disk
        assert tree.of_relay("is_degraded") == 1
        assert '"degraded"' in json.dumps(tree.banyan("health", code=None))
        for _ in range(20):
            b.ok("leave", group_id="g")
            b.ok("join", group_id="g")
        both_hear(a, b, "g")
        (tree.home / "hang").unlink()
        until(lambda: tree.of_relay("is_degraded") == 0, 20)
        assert tree.life("relay") == life
        tree.kill("relay")
        tree.until("relay", state="up", life=life + 1)
        both_hear(a, b, "g")


def test_a_damaged_store_is_moved_aside(tree):
    a = tree.member()
    a.ok("create", group_id="g", group_type="public")
    tree.banyan("stop", "relay")
    data = tree.state / "relay" / "data.mdb"
    data.write_bytes(b"rubbish!" * 8192)
    tree.banyan("start", "relay")
    tree.until("relay", state="up")
    assert list(tree.state.glob("relay.damaged-*"))
    assert tree.banyan("groups", "list")["group_count"] == 0
    ok_at_last(a, "create", group_id="g", group_type="public")


# --- what gateways say on the link ---

def link(tree):
    return Gateway(f"ipc://{tree.run}/relay.link")


def call(peer, function, args, hints=None, credit=0, module="relay"):
    number = next(peer.ids)
    peer.send([2, number, module, function, args, 5000, None, credit, hints])
    return number


def answer_of(peer, number):
    while True:
        frame = peer.frame()
        if frame[1] == number and frame[0] in (RESULT, ERROR):
            return frame


HINTS = {"client": 1, "channel": 1, "user": "u", "roles": [],
         "request_id": "r"}


def test_a_gateway_attaches_before_it_asks(tree):
    with link(tree) as peer:
        number = call(peer, "join", ["g"], HINTS)
        assert answer_of(peer, number)[2] == "not_dispatched"


def test_garbage_on_the_link_hurts_only_its_sender(tree):
    a = tree.member()
    a.ok("create", group_id="g", group_type="public")
    life = tree.life("relay")
    for bytes_ in (b"GET / HTTP/1.1\r\n\r\n",
                   b"\0SP\0\0\x30\0\0" + b"\xff" * 64,
                   b"\0SP\0\0\x30\0\0\x01" + b"\xff" * 8,
                   b"\0SP\0\0\x30\0\0\x01" + b"\0" * 7 + b"\x08" + b"\xc1" * 8):
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(f"{tree.run}/relay.link")
            stranger.sendall(bytes_)
    with link(tree) as peer:
        for args in ([], [1], ["x", 2, 3], [1, 2, "clients", 3],
                     [9, 1, [1, 2], "n"], [9, 1, [-1], 3]):
            number = call(peer, "attach", args, credit=1000)
            assert answer_of(peer, number)[0] == ERROR
        call(peer, "attach", [9, 1, [], 12345], credit=1000)
        again = call(peer, "attach", [8, 1, [], 999], credit=1000)
        assert answer_of(peer, again)[2] == "internal", "one link, one gateway"
        for function, args, hints, code in (
                ("join", ["g"], None, "internal"),
                ("join", ["g"], {"client": "x"}, "internal"),
                ("join", [], HINTS, "invalid_argument"),
                ("join", [None], HINTS, "invalid_argument"),
                ("join", [{"group": 1}], HINTS, "invalid_argument"),
                ("create", ["n", 5], HINTS, "invalid_argument"),
                ("accept", ["g"], HINTS, "invalid_argument"),
                ("steal", ["g"], HINTS, "not_found")):
            number = call(peer, function, args, hints)
            assert answer_of(peer, number)[2] == code, (function, args)
        number = call(peer, "join", ["g"], HINTS, module="other")
        assert answer_of(peer, number)[2] == "not_found"
        for args in ([], [[5]], [[["a", "b"]]], [[[1, 1], [2]]]):
            assert answer_of(peer, call(peer, "gone", args))[0] == RESULT
        assert answer_of(peer, call(peer, "join", ["g"], HINTS))[0] == RESULT
        assert tree.members_of("g")["u"] == "member active"
    assert tree.life("relay") == life
    # the stranger was a gateway that does not come back
    until(lambda: tree.members_of("g") == {a.user: "admin active"}, 8)


def test_messages_keep_to_the_credit_and_answers_to_their_order(tree):
    a = tree.member()
    a.ok("create", group_id="g", group_type="public")
    with link(tree) as peer:
        stream = call(peer, "attach", [9, 1, [], 77], credit=300)
        assert answer_of(peer, call(peer, "join", ["g"], HINTS))[0] == RESULT
        for number in range(20):
            a.ok("send", group_id="g", message="x" * 100)
            assert a.message()
        leaving = call(peer, "leave", ["g"], HINTS)
        seen = []
        got = 0
        # the answer waits behind what was said before
        while not seen or seen[-1][1] != leaving:
            frame = peer.frame()
            seen.append(frame)
            if frame[0] == CHUNK:
                assert frame[1] == stream and frame[2] == got
                assert frame[3]["to"] == [[1, 1]]
                got += 1
                peer.send([CREDIT, stream, len(pack(frame[3]))])
        assert got == 20
        a.ok("send", group_id="g", message="after")
        number = call(peer, "list", [], HINTS)
        assert answer_of(peer, number)[0] == RESULT
        assert not [f for f in peer.waiting if f[0] == CHUNK]
