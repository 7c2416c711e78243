"""Groups of verified users: names that outlive sockets, limits, events."""
import re

import pytest

from auth_test import AUTH, KEY, good
from gateway_tree import GatewayTree
from relay_members import Member
from tokens import subprotocol, write_keys
from tree import until

MORE = """\
log: {level: debug}
relay: {orphan_grace_ms: 60000, max_groups_per_client: 3, max_members: 4}
"""


class UserTree(GatewayTree):
    def __init__(self, path):
        write_keys(path, KEY)
        super().__init__(nodes=(), functions=[], more=MORE,
                         auth=AUTH.format(path=path,
                                          more=", allow_anonymous: true"))

    def until_live(self, names):
        super().until_live(["relay"])

    def user(self, name):
        member = Member(self.port, headers=subprotocol(good(sub=name)))
        member.user = name
        return member

    def members_of(self, group):
        return {m["user_id"]: f"{m['role']} {m['status']}" for m in
                self.banyan("groups", "show", group)["members"]}


@pytest.fixture(scope="module", name="tree")
def the_tree(tmp_path_factory):
    with UserTree(tmp_path_factory.mktemp("keys") / "keys.json") as tree:
        yield tree


def test_members_are_who_their_tokens_say(tree):
    with tree.user("anna") as anna, tree.user("ben") as ben:
        anna.ok("create", group_id="names", group_type="public")
        ben.ok("join", group_id="names")
        ben.ok("send", group_id="names", message="I am ben")
        assert anna.message()[:2] == ben.message()[:2] == ("ben", "I am ben")
        assert tree.members_of("names") == {
            "anna": "admin active", "ben": "member active"}
        anna.ok("delete", group_id="names")


def test_the_last_admin_comes_back_as_that_and_strangers_wait(tree):
    with tree.user("ben") as ben:
        with tree.user("anna") as anna:
            anna.ok("create", group_id="back", group_type="strict_private")
        until(lambda: tree.members_of("back") == {}, 5)
        assert ben.ok("join", group_id="back")["status"] == "pending"
        with tree.user("anna") as anna:
            assert anna.ok("join", group_id="back")["status"] == "active"
            assert anna.ok("accept", group_id="back", user_id="ben")[
                "status"] == "active"
            # a mute is kept for a name, wherever its user comes from
            anna.ok("mute", group_id="back", user_id="ben")
            ben.ok("leave", group_id="back")
            with tree.user("ben") as other:
                assert other.ok("join", group_id="back")["status"] == \
                    "pending"
                assert anna.ok("accept", group_id="back", user_id="ben")[
                    "status"] == "muted"
                # who joins again only moves to where he is now
                assert ben.ok("join", group_id="back")["status"] == "muted"
                anna.ok("send", group_id="back", message="moved")
                assert ben.message()[1] == "moved"
                other.silence()
            anna.ok("delete", group_id="back")


def test_guests_have_no_groups_where_users_have_names(tree):
    with Member(tree.port) as guest:
        for request_type, args in (
                ("create", {"group_id": "x", "group_type": "public"}),
                ("join", {"group_id": "x"}), ("list", {}),
                ("send", {"group_id": "x", "message": "psst"})):
            assert guest.no(request_type, **args) == (
                "Permission denied", "denied")


def test_limits_of_clients_and_groups(tree):
    with tree.user("anna") as anna:
        for number in range(3):
            anna.ok("create", group_id=f"limit{number}",
                    group_type="public")
        assert anna.no("create", group_id="limit3", group_type="public")[0] \
            .startswith("too_many_memberships")
        others = [tree.user(f"user{n}") for n in range(4)]
        for other in others[:3]:
            other.ok("join", group_id="limit0")
        assert others[3].no("join", group_id="limit0") == (
            "too_many_members: the group is full", "unavailable")
        # a reload raises the limit; nobody is thrown out
        tree.rewrite(tree.file.read_text().replace(
            "max_members: 4", "max_members: 5"))
        tree.banyan("reload")
        until(lambda: others[3].ask("join", group_id="limit0")["success"], 5)
        for other in others:
            other.socket.close()
        for number in range(3):
            anna.ok("delete", group_id=f"limit{number}")


def test_events_carry_group_type_user_status_recipients_and_time(tree):
    with tree.user("anna") as anna, tree.user("ben") as ben:
        anna.ok("create", group_id="events", group_type="strict_private")
        ben.ok("join", group_id="events")
        ben.no("send", group_id="events", message="too early")
        anna.ok("accept", group_id="events", user_id="ben")
        anna.ok("mute", group_id="events", user_id="ben")
        anna.ok("unmute", group_id="events", user_id="ben")
        anna.ok("send", group_id="events", message="now")
        ben.ok("leave", group_id="events")
        ben.ok("join", group_id="events")
        ben.socket.close()
        until(lambda: len(tree.members_of("events")) == 1, 5)
        anna.ok("delete", group_id="events")
    said = [line.split(" relay life=1 ")[1] for line in
            tree.log().splitlines()
            if " relay life=1 " in line and "group_id=events" in line]
    head = "group_id=events group_type=strict_private"
    assert [re.sub(r"duration_us=\d+", "duration_us=N", s) for s in said] == [
        f"relay_group_create {head} user_id=anna status=active",
        f"relay_member_join {head} user_id=ben status=pending",
        f"relay_message_rejected {head} user_id=ben status=is_pending "
        "recipients=0 duration_us=N",
        f"relay_member_accept {head} user_id=ben status=active",
        f"relay_member_mute {head} user_id=ben status=muted",
        f"relay_member_unmute {head} user_id=ben status=active",
        f"relay_message_sent {head} user_id=anna status=relayed "
        "recipients=2 duration_us=N",
        f"relay_member_leave {head} user_id=ben status=active",
        f"relay_member_join {head} user_id=ben status=pending",
        f"relay_member_down {head} user_id=ben status=pending",
        f"relay_group_delete {head}",
    ]
