"""Groups over the wire: who may do what, who hears what, who is gone."""
import json
import re

import pytest

from phoenix_client import RawClient
from relay_members import Member, RelayTree
from service import pack, unpack
from tree import until
from websocket import BINARY


@pytest.fixture(scope="module", name="tree")
def the_tree():
    with RelayTree() as tree:
        yield tree


@pytest.fixture(name="people")
def three_people(tree):
    people = [tree.member() for _ in range(3)]
    yield people
    for person in people:
        person.socket.close()


TYPES = ["public", "private", "strict_private"]


@pytest.mark.parametrize("kind", TYPES)
def test_a_group_is_created_once(people, kind):
    a, b, _ = people
    group = f"once-{kind}"
    assert a.ok("create", group_id=group, group_type=kind)["status"] == \
        "created"
    assert b.no("create", group_id=group, group_type=kind) == (
        "already_exists: there is a group of this id", "invalid_argument")
    info = a.ok("info", group_id=group)
    assert info["group_type"] == kind
    assert info["members"][a.user]["roles"] == ["admin"]
    a.ok("delete", group_id=group)
    assert b.no("info", group_id=group) == ("Group not found", "not_found")


def test_a_group_needs_a_type_that_exists(people):
    assert people[0].no("create", group_id="g", group_type="open")[1] == \
        "invalid_argument"
    assert people[0].no("create", group_id="", group_type="public") == (
        "group_id: absent, empty, too long, or not text", "invalid_argument")
    assert people[0].no("create", group_id="x" * 256, group_type="public")[
        1] == "invalid_argument"


@pytest.mark.parametrize("kind", TYPES)
def test_a_join_is_active_or_pending(people, kind):
    a, b, _ = people
    group = f"join-{kind}"
    assert b.no("join", group_id=group)[0] == "Group not found"
    a.ok("create", group_id=group, group_type=kind)
    became = b.ok("join", group_id=group)["status"]
    assert became == ("active" if kind == "public" else "pending")
    assert b.no("join", group_id=group)[0].startswith("already_member")
    a.ok("delete", group_id=group)


def test_acceptance_follows_the_type(people):
    a, b, c = people
    a.ok("create", group_id="acc", group_type="private")
    b.ok("join", group_id="acc")
    c.ok("join", group_id="acc")

    def no(who, target):
        return who.no("accept", group_id="acc", user_id=target)[0].split(
            ":")[0]
    assert no(c, b.user) == "not_admin"
    assert no(a, "nobody") == "user_not_in_group"
    a.ok("accept", group_id="acc", user_id=b.user)
    assert no(a, b.user) == "user_not_pending"
    # any active member of a private group accepts …
    assert b.ok("accept", group_id="acc", user_id=c.user)["status"] == \
        "active"
    a.ok("delete", group_id="acc")
    a.ok("create", group_id="acc", group_type="strict_private")
    b.ok("join", group_id="acc")
    assert no(c, b.user) == "user_not_in_group"
    c.ok("join", group_id="acc")
    a.ok("accept", group_id="acc", user_id=b.user)
    # … only an admin of a strict one
    assert no(b, c.user) == "not_admin"
    a.ok("delete", group_id="acc")


def test_muting_is_for_admins_of_strict_groups(people):
    a, b, c = people
    a.ok("create", group_id="mute", group_type="strict_private")
    b.ok("join", group_id="mute")
    assert a.no("mute", group_id="mute", user_id=b.user)[0].startswith(
        "cannot_mute")
    a.ok("accept", group_id="mute", user_id=b.user)
    assert b.no("mute", group_id="mute", user_id=a.user)[0].startswith(
        "not_admin")
    assert c.no("mute", group_id="mute", user_id=a.user)[0].startswith(
        "not_admin")
    assert a.no("unmute", group_id="mute", user_id=b.user)[0].startswith(
        "not_muted")
    a.ok("mute", group_id="mute", user_id=b.user)
    assert b.no("send", group_id="mute", message="hm") == (
        "You are muted and cannot send messages", "denied")
    assert a.ok("send", group_id="mute", message="hear this")[
        "recipients_count"] == 2
    assert b.message()[1] == "hear this"
    a.ok("unmute", group_id="mute", user_id=b.user)
    assert b.ok("send", group_id="mute", message="ah")[
        "recipients_count"] == 2
    a.ok("delete", group_id="mute")
    a.ok("create", group_id="mute", group_type="private")
    assert a.no("mute", group_id="mute", user_id=a.user)[0].startswith(
        "not_strict_private")
    a.ok("delete", group_id="mute")


def test_a_message_reaches_active_and_muted_members_and_its_sender(people):
    a, b, c = people
    a.ok("create", group_id="say", group_type="strict_private")
    for other in (b, c):
        other.ok("join", group_id="say")
    a.ok("accept", group_id="say", user_id=b.user)
    a.ok("mute", group_id="say", user_id=b.user)
    said = {"n": [1, -2.5, None], "text": "ü \u2028 \"x\"", "big": 2 ** 63}
    number = a.start("send", group_id="say", message=said)
    assert a.finish(number)["result"] == {
        "status": "relayed", "recipients_count": 2}
    for who in (a, b):
        sender, message, push = who.message()
        assert (sender, message) == (a.user, said)
        assert push["request_id"] == number
        assert push["result"]["group_id"] == "say"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                            push["result"]["timestamp"])
    c.silence()  # it waits for acceptance
    a.ok("delete", group_id="say")


def test_the_four_texts_of_a_refused_message(people):
    a, b, c = people
    a.ok("create", group_id="four", group_type="strict_private")
    b.ok("join", group_id="four")
    assert a.no("send", group_id="nowhere", message=1) == (
        "Group not found", "not_found")
    assert c.no("send", group_id="four", message=1) == (
        "Not a member of this group", "denied")
    assert b.no("send", group_id="four", message=1) == (
        "Pending membership: wait for acceptance", "denied")
    a.ok("accept", group_id="four", user_id=b.user)
    a.ok("mute", group_id="four", user_id=b.user)
    assert b.no("send", group_id="four", message=1) == (
        "You are muted and cannot send messages", "denied")
    for who in people:
        who.silence()
    a.ok("delete", group_id="four")


def test_leave_rejoin_delete_and_what_info_shows(people):
    a, b, c = people
    a.ok("create", group_id="info", group_type="private")
    b.ok("join", group_id="info")
    assert c.no("info", group_id="info")[0] == "Not a member of this group"
    assert b.no("info", group_id="info")[0].startswith("Pending membership")
    a.ok("accept", group_id="info", user_id=b.user)
    info = b.ok("info", group_id="info")
    assert info["member_count"] == info["active_count"] == 2
    assert info["members"][b.user]["roles"] == ["member"]
    assert info["members"][b.user]["status"] == "active"
    assert info["members"][b.user]["joined_at"].endswith("Z")
    assert b.ok("leave", group_id="info")["status"] == "left"
    assert b.no("leave", group_id="info")[0].startswith("user_not_in_group")
    assert b.no("send", group_id="info", message=1)[0] == \
        "Not a member of this group"
    assert b.ok("join", group_id="info")["status"] == "pending"
    assert b.no("delete", group_id="info")[0].startswith("not_admin")
    assert c.no("delete", group_id="info")[0].startswith("user_not_in_group")
    a.ok("delete", group_id="info")
    assert a.no("send", group_id="info", message=1)[0] == "Group not found"


def test_list_shows_public_groups_and_ones_own(people):
    a, b, _ = people
    a.ok("create", group_id="pub", group_type="public")
    a.ok("create", group_id="pri", group_type="private")

    def groups(who):
        return {g["group_id"]: g["status"] for g in who.ok("list")["groups"]}
    assert groups(a) == {"pub": "active", "pri": "active"}
    assert groups(b) == {"pub": None}
    b.ok("join", group_id="pri")
    assert groups(b) == {"pub": None, "pri": "pending"}
    a.ok("delete", group_id="pub")
    a.ok("delete", group_id="pri")


def test_who_a_payload_says_it_is_counts_for_nothing(people):
    a, b, _ = people
    a.ok("create", group_id="id", group_type="private")
    number = "forged"
    b.say(b.join_ref, number, b.topic, "api", {
        "service": "relay", "request_type": "send", "request_id": number,
        "user_id": a.user, "user_roles": ["admin"],
        "args": {"group_id": "id", "message": "I am a"}})
    assert b.finish(number)["error"] == "Not a member of this group"
    a.silence()
    a.ok("delete", group_id="id")


def test_membership_ends_with_the_socket_the_creators_too(tree, people):
    a, b, c = people
    a.ok("create", group_id="end", group_type="strict_private")
    for other in (b, c):
        other.ok("join", group_id="end")
        a.ok("accept", group_id="end", user_id=other.user)
    a.socket.close()
    # the longest-standing active member leads from now on
    until(lambda: tree.members_of("end") == {
        b.user: "admin active", c.user: "member active"}, 5)
    b.ok("mute", group_id="end", user_id=c.user)
    b.ok("delete", group_id="end")


def test_membership_ends_with_the_channel_that_joined(tree, people):
    a, b, _ = people
    a.ok("create", group_id="chan", group_type="public")
    b.say("9", "9", "api:other", "phx_join", {})
    assert b.hear()[4]["status"] == "ok"
    b.ok("join", group_id="chan")
    b.say("9", "10", "api:other", "phx_leave", {})
    assert b.hear()[4]["status"] == "ok"
    assert b.hear()[3] == "phx_close"
    b.ok("send", group_id="chan", message="still here")
    assert b.message()[1] == "still here"
    b.say(b.join_ref, "11", b.topic, "phx_leave", {})
    assert b.hear()[4]["status"] == "ok"
    until(lambda: tree.members_of("chan") == {a.user: "admin active"}, 5)
    a.message()
    a.ok("delete", group_id="chan")


def test_an_orphaned_group_is_led_by_who_waits_longest(tree, people):
    a, b, c = people
    a.ok("create", group_id="orphan", group_type="strict_private")
    b.ok("join", group_id="orphan")
    c.ok("join", group_id="orphan")
    a.ok("leave", group_id="orphan")
    until(lambda: tree.members_of("orphan") == {
        b.user: "admin active", c.user: "member pending"}, 8)
    b.ok("accept", group_id="orphan", user_id=c.user)
    b.ok("delete", group_id="orphan")


@pytest.mark.parametrize("vsn", ["1.0.0", "2.0.0"])
def test_both_versions_of_the_protocol_hear_the_same(tree, people, vsn):
    a, _, _ = people
    with Member(tree.port, vsn=vsn) as other:
        group = f"vsn-{vsn}"
        a.ok("create", group_id=group, group_type="public")
        other.ok("join", group_id=group)
        a.ok("send", group_id=group, message="to both")
        assert other.message()[:2] == (a.user, "to both")
        a.message()
        a.ok("delete", group_id=group)


def binary(join_ref, ref, topic, event, payload):
    parts = [text.encode() for text in (join_ref, ref, topic, event)]
    return bytes([0, *map(len, parts)]) + b"".join(parts) + pack(payload)


def heard_binary(client):
    kind, data = client.read()
    assert kind == BINARY, (kind, data)
    names = 4 if data[0] == 1 else 3
    return unpack(data, 1 + names + sum(data[1:1 + names]))[0]


def test_members_in_msgpack_and_json_hear_the_same(tree, people):
    a, b, _ = people
    a.ok("create", group_id="msgpack", group_type="public")
    b.ok("join", group_id="msgpack")
    with RawClient(tree.port) as client:
        def say(ref, event, payload):
            client.send(BINARY, binary("1", ref, "api:bin", event, payload))
        say("1", "phx_join", {})
        assert heard_binary(client) == {}
        say("2", "api", {"service": "relay", "request_type": "join",
                         "request_id": "j", "args": {"group_id": "msgpack"}})
        assert heard_binary(client)["result"]["status"] == "active"
        assert heard_binary(client) == "join"
        said = {"n": [1, -2, 2.5, None, True], "t": "ü" * 200}
        number = a.start("send", group_id="msgpack", message=said)
        assert a.finish(number)["result"]["recipients_count"] == 3
        pushes = [a.message()[2], b.message()[2], heard_binary(client)]
        assert pushes[0] == pushes[1] == pushes[2]
        assert pushes[2]["result"]["message"] == said
        assert pushes[2]["request_id"] == number
    a.ok("delete", group_id="msgpack")


def test_a_message_may_not_be_larger_than_the_settings_say(people):
    a, _, _ = people
    a.ok("create", group_id="big", group_type="public")
    a.ok("send", group_id="big", message="x" * 60000)
    assert len(a.message()[1]) == 60000
    assert a.no("send", group_id="big", message="x" * 70000) == (
        "message_too_big: see relay.max_message_bytes", "invalid_argument")
    a.ok("delete", group_id="big")


def test_an_operators_function_counts_instead_of_the_builtin(tree, people):
    a, b, _ = people
    a.ok("create", group_id="own", group_type="public")
    own = {"service": "chat", "request_type": "relay_msg",
           "nodes": ["relay"], "mfa": {"module": "relay", "function": "send"},
           "arg_types": {"group_id": "string", "message": "string"},
           "arg_orders": ["group_id", "message"]}
    tree.banyan("functions", "add", json.dumps(own))

    def sent():
        answer = a.ask_service("chat", "relay_msg", group_id="own",
                               message="documented wiring")
        return answer["success"] and answer["result"]
    assert sent() == {"status": "relayed", "recipients_count": 1}
    assert a.message()[1] == "documented wiring"
    tree.banyan("functions", "add", json.dumps(
        {**own, "service": "relay", "request_type": "send",
         "disabled": True}))
    until(lambda: b.no("send", group_id="own", message="x")[1] == "disabled",
          5)
    tree.banyan("functions", "delete", "relay", "send")
    until(lambda: b.no("send", group_id="own", message="x")[1] == "denied", 5)
    a.ok("delete", group_id="own")


def test_operators_create_show_list_kick_and_delete(tree, people):
    a, b, _ = people
    tree.banyan("groups", "create", "ops", "private", a.user)
    assert tree.run_banyan("groups", "create", "ops", "public").returncode == 1
    assert tree.run_banyan("groups", "create", "o", "open").returncode == 64
    assert a.ok("join", group_id="ops")["status"] == "active"
    assert tree.members_of("ops") == {a.user: "admin active"}
    b.ok("join", group_id="ops")
    listed = tree.banyan("groups", "list")
    assert listed["status"] == "ok"
    row, = [g for g in listed["groups"] if g["group_id"] == "ops"]
    assert (row["member_count"], row["active_count"], row["kept"]) == (
        2, 1, True)
    tree.banyan("groups", "kick", "ops", b.user)
    assert tree.run_banyan("groups", "kick", "ops", b.user).returncode == 1
    assert tree.members_of("ops") == {a.user: "admin active"}
    assert "strict_private" not in tree.run_banyan("groups", "list").stdout
    assert "admin  active" in tree.run_banyan("groups", "show", "ops").stdout
    tree.banyan("groups", "delete", "ops")
    assert a.no("send", group_id="ops", message=1)[0] == "Group not found"


def test_counters_tell_what_happened(tree, people):
    a, b, _ = people

    def counts():
        return {name: tree.of_relay(name) for name in (
            "groups_created", "groups_deleted", "joins", "accepts", "leaves",
            "mutes", "sent", "recipients", "rejected")}
    before = counts()
    a.ok("create", group_id="count", group_type="strict_private")
    b.ok("join", group_id="count")
    b.no("send", group_id="count", message=1)
    a.ok("accept", group_id="count", user_id=b.user)
    a.ok("send", group_id="count", message=1)
    a.ok("mute", group_id="count", user_id=b.user)
    b.ok("leave", group_id="count")
    a.ok("delete", group_id="count")
    after = counts()
    assert {name: after[name] - before[name] for name in after} == {
        "groups_created": 1, "groups_deleted": 1, "joins": 1, "accepts": 1,
        "leaves": 1, "mutes": 1, "sent": 1, "recipients": 2, "rejected": 1}
