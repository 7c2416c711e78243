"""The relay's audit: what is stale is found and ended when asked to, and
nobody else is; and the health of groups when a member does not get theirs."""
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway_peer import CALL, CHUNK, ERROR, RESULT, Gateway
from monitor_client import get
from relay_members import Member, RelayTree
from telemetry_tail import Tail
from tree import until

QUIET = "relay: {orphan_grace_ms: 400, reattach_ms: 600000, " \
    "audit: {audit_interval_ms: 0}}\n"


@pytest.fixture(name="tree")
def a_tree():
    with RelayTree() as tree:
        yield tree


def audit(tree, *arguments, code=0):
    return tree.banyan("relay", "audit", *arguments, code=code)


def counts(report):
    summary = report["summary"]
    assert summary["total_issues"] == sum(
        summary[name] for name in summary if name != "total_issues")
    assert summary["stale_subscription_count"] == len(
        report["issues"]["stale_subscriptions"])
    assert summary["orphaned_pool_count"] == len(
        report["issues"]["orphaned_pools"])
    return (summary["stale_subscription_count"],
            summary["orphaned_pool_count"], summary["missing_pool_count"])


def test_a_tree_that_is_well_has_no_issue_and_loses_nobody():
    with RelayTree("workers: {gateway: {instances: 2}}\n") as tree:
        none = tree.run_banyan("relay", "audit", "--last")
        assert none.returncode == 1 and "relay audit" in none.stderr
        members = [tree.member() for _ in range(8)]
        members[0].ok("create", group_id="g", group_type="strict_private")
        members[0].ok("create", group_id="h", group_type="public")
        for member in members[1:]:
            member.ok("join", group_id="g")  # they wait
            member.ok("join", group_id="h")
        before = tree.members_of("g"), tree.members_of("h")
        for arguments in ((), ("--fix",), ("--fix",)):
            report = audit(tree, *arguments)
            assert report["status"] == "ok" and counts(report) == (0, 0, 0)
            assert report["store_id"] == "test" and report["is_leader"]
            assert report["timestamp"] > 1.7e9
            assert report["check_duration_ms"] < 60000
            assert report["total_subscriptions"] == 16
            assert report["total_emitter_pools"] == 2
            assert report["unconfirmed_subscriptions"] == 0
            assert report["gateways"] == report["gateways_answered"] == 2
            assert report["store"] == "compared"
            assert report["cleanup"]["memberships_ended"] == 0
        assert (tree.members_of("g"), tree.members_of("h")) == before
        assert audit(tree, "--last") == report
        page = tree.run_banyan("relay", "audit")
        assert page.returncode == 0
        assert "0 stale, 0 orphaned, 0 missing" in page.stdout
        assert "next:" not in page.stdout


# --- what can really become stale, and heals ---

def leave(member, join_ref, topic):
    """Leaves one of its topics, and hears that the gateway let it go."""
    member.say(join_ref, f"bye {topic}", topic, "phx_leave", {})
    while True:
        _, _, of, event, _ = member.hear()
        if event == "phx_close" and of == topic:
            return


def ask_on(member, join_ref, topic, request_type, **args):
    number = f"{topic} {request_type}"
    member.say(join_ref, number, topic, "api", {
        "service": "relay", "request_type": request_type,
        "request_id": number, "args": args})
    return member.finish(number)


def test_a_channel_left_while_the_relay_was_away_has_no_membership(tree):
    member = tree.member()
    tree.banyan("groups", "create", "g", "public")
    tree.banyan("groups", "create", "h", "public")
    second, status, _ = member.join("api:second")
    assert status == "ok"
    assert ask_on(member, second, "api:second", "join", group_id="g")["success"]
    member.ok("join", group_id="h")
    assert set(tree.members_of("g")) == {member.user}
    tree.banyan("stop", "relay")
    leave(member, second, "api:second")
    tree.banyan("start", "relay")
    # the gateway names its channels, too: he stays only where he still is
    until(lambda: tree.members_of("g") == {}, 30)
    assert set(tree.members_of("h")) == {member.user}
    assert counts(audit(tree)) == (0, 0, 0)


def test_a_call_that_outlives_its_channel_begins_no_membership(tree):
    known = tree.counter("compiled")
    added = tree.run_banyan("functions", "add", json.dumps({
        "service": "test", "request_type": "enter", "nodes": ["relay"],
        "mfa": {"module": "relay", "function": "join", "args": []},
        "arg_types": {"group_id": "string"}, "arg_orders": ["group_id"],
        "check_permission": False,
        "response_type": "none", "retry": 100, "timeout": 120000}))
    assert added.returncode == 0, added
    # a slow look at the store puts the next one off, in proportion
    until(lambda: tree.counter("compiled") > known, 60, "it is known")
    member = tree.member()
    second, _, _ = member.join("api:second")

    def enter(group):
        member.say(second, f"in {group}", "api:second", "api", {
            "service": "test", "request_type": "enter",
            "request_id": f"in {group}", "args": {"group_id": group}})
        assert member.hear()[1] == f"in {group}"
    tree.banyan("groups", "create", "g", "public")
    tree.banyan("groups", "create", "h", "public")
    enter("h")
    until(lambda: set(tree.members_of("h")) == {member.user}, 30)
    tree.banyan("stop", "relay")
    until(lambda: tree.counter("in_flight") == 0, 30, "the link is down")
    enter("g")
    until(lambda: tree.counter("retries") > 0 and
          tree.counter("in_flight") == 1, 30, "it is tried again")
    leave(member, second, "api:second")
    tree.banyan("start", "relay")
    until(lambda: tree.counter("in_flight") == 0, 30, "it is given up")
    until(lambda: member.ask("list")["success"], 30)
    assert tree.members_of("g") == {}
    assert counts(audit(tree)) == (0, 0, 0)


def test_a_killed_gateway_and_relay_leave_nothing_stale():
    with RelayTree("workers: {gateway: {instances: 2}}\n") as tree:
        members = [tree.member()]
        members[0].ok("create", group_id="g", group_type="public")
        where = {}
        while set(where.values()) != {1, 2}:
            assert len(members) < 200
            members.append(tree.member())
            members[-1].ok("join", group_id="g")
            where = {m["user_id"]: m["gateway"]
                     for m in tree.banyan("groups", "show", "g")["members"]}
        stay = {user for user, gateway in where.items() if gateway == 1}
        tree.kill("gateway/2")
        tree.run_banyan("relay", "audit", "--fix")  # whatever it meets
        until(lambda: set(tree.members_of("g")) == stay, 30)
        tree.kill("relay")
        until(lambda: tree.run_banyan("relay", "audit", "--fix")
              .returncode == 0, 30, "all gateways answer the new life")
        assert set(tree.members_of("g")) == stay
        assert counts(audit(tree)) == (0, 0, 0)


def test_members_of_a_gateway_that_may_come_back_are_unconfirmed():
    with RelayTree(relay=QUIET) as tree:
        tree.banyan("groups", "create", "g", "public")
        member = tree.member()
        member.ok("join", group_id="g")
        # both die, and nobody is there to see the gateway's death
        tree.banyan("stop", "relay")
        life = tree.life("gateway/1")
        tree.kill("gateway/1")
        tree.until("gateway/1", state="up", life=life + 1)
        tree.banyan("start", "relay")
        report = audit(tree, "--fix", code=None)
        assert report["unconfirmed_subscriptions"] == 1
        assert counts(report) == (0, 0, 0)
        assert set(tree.members_of("g")) == {member.user}


# --- a gateway that has lost its members, and says so ---

def hints(client, user, channel=1):
    return {"client": client, "channel": channel, "user": user, "roles": [],
            "request_id": "r"}


class Peer(Gateway):
    """A gateway whose roll a test says."""

    def __init__(self, tree, number=4242):
        super().__init__(f"ipc://{tree.run}/relay.link")
        self.ask("attach", [9, 1, [], number], credit=1 << 20)

    def framed(self, function, args, who=None, credit=0):
        return [CALL, next(self.ids), "relay", function, args, 60000, None,
                credit, who]

    def ask(self, function, args, who=None, credit=0):
        frame = self.framed(function, args, who, credit)
        self.send(frame)
        return frame[1]

    def enter(self, group, client, user, channel=1):
        number = self.ask("join", [group], hints(client, user, channel))
        assert self.said(number)[0] == RESULT

    def said(self, number):
        while True:
            frame = self.frame()
            if frame[0] in (RESULT, ERROR) and frame[1] == number:
                return frame

    def roll_asked(self):
        while True:
            frame = self.frame()
            if frame[0] == CHUNK and "roll" in frame[3]:
                return frame[3]["roll"]


def audit_with(tree, peer, roll, *arguments, code=0, then=()):
    """An audit while `peer` says `roll`, and `then` calls in one breath."""
    with ThreadPoolExecutor(1) as pool:
        report = pool.submit(audit, tree, *arguments, code=code)
        number = peer.roll_asked()
        first = peer.framed("roll", [number, roll])
        peer.send(first, *then)
        assert peer.said(first[1])[0] == RESULT
        return report.result(60)


def test_fix_ends_the_stale_and_nobody_else(tree):
    member = tree.member()
    tree.banyan("groups", "create", "g", "public")
    member.ok("join", group_id="g")
    with Peer(tree) as peer:
        peer.enter("g", 1, "here")
        peer.enter("g", 2, "gone")
        peer.enter("g", 3, "moved", channel=1)
        everybody = {member.user, "here", "gone", "moved"}
        roll = [[1, [1]], [3, [2]]]
        found = audit_with(tree, peer, roll, code=1)
        assert found["status"] == "issues" and counts(found) == (2, 0, 0)
        assert {(one["user_id"], one["reason"], one["group_id"])
                for one in found["issues"]["stale_subscriptions"]} == {
                    ("gone", "client_gone", "g"),
                    ("moved", "channel_gone", "g")}
        assert set(tree.members_of("g")) == everybody  # it only looked
        page = tree.run_banyan("relay", "audit", "--last")
        assert page.returncode == 1
        assert page.stdout.endswith("next: banyan relay audit --fix\n")
        before = (tree.state / "audit.log").read_text()
        assert "op=relay.audit" not in before
        fixed = audit_with(tree, peer, roll, "--fix")
        assert fixed["status"] == "ok" and counts(fixed) == (2, 0, 0)
        assert fixed["cleanup"]["memberships_ended"] == 2
        assert set(tree.members_of("g")) == {member.user, "here"}
        assert tree.of_relay("audit_ended") == 2
        line, = [line for line in
                 (tree.state / "audit.log").read_text().splitlines()
                 if " op=relay.audit " in line]
        assert '"fix":true' in line.replace(" ", "")
        again = audit_with(tree, peer, [[1, [1]]])
        assert counts(again) == (0, 0, 0)
        # what stays still gets its messages
        member.ok("send", group_id="g", message="on")
        assert member.message()[1] == "on"


def test_who_is_just_joining_is_not_stale(tree):
    tree.banyan("groups", "create", "g", "public")
    with Peer(tree) as peer:
        # his call came behind the roll that does not know him
        late = peer.framed("join", ["g"], hints(5, "late"))
        report = audit_with(tree, peer, [], "--fix", then=[late])
        assert counts(report) == (0, 0, 0)
        until(lambda: set(tree.members_of("g")) == {"late"}, 30)
        # and before the one that does
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(audit, tree, "--fix")
            number = peer.roll_asked()
            peer.send(peer.framed("join", ["g"], hints(6, "early")),
                      peer.framed("roll", [number, [[5, [1]], [6, [1]]]]))
            assert counts(running.result(60)) == (0, 0, 0)
        assert set(tree.members_of("g")) == {"late", "early"}


def test_a_gateway_that_does_not_answer_loses_nobody(tree):
    member = tree.member()
    tree.banyan("groups", "create", "g", "public")
    member.ok("join", group_id="g")
    with Peer(tree) as peer:
        peer.enter("g", 1, "silent")
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(audit, tree, "--fix", code=1)
            number = peer.roll_asked()
            while not running.done():  # it answers pings, and no roll
                try:
                    peer.socket.settimeout(0.2)
                    peer.read()
                except TimeoutError:
                    pass
            peer.socket.settimeout(10)
            report = running.result()
        assert report["status"] == "incomplete" and counts(report) == (0, 0, 0)
        assert report["unconfirmed_subscriptions"] == 1
        assert report["gateways_answered"] == report["gateways"] - 1 == 1
        assert set(tree.members_of("g")) == {member.user, "silent"}
        # an answer that comes too late, and garbage, say nothing
        for args in ([number, []], [], [1], ["x", []], [number, "x"],
                     [number, [[1, 2, 3]]]):
            assert peer.said(peer.ask("roll", args))[0] in (RESULT, ERROR)
        assert set(tree.members_of("g")) == {member.user, "silent"}


# --- groups, the interval, and what is told of it ---

def test_an_empty_group_is_an_orphan_when_its_grace_is_over(tree):
    member = tree.member()
    member.ok("create", group_id="left", group_type="private")
    tree.banyan("groups", "create", "kept", "public")
    member.ok("leave", group_id="left")
    until(lambda: counts(audit(tree, code=None)) == (0, 1, 0), 30)
    found, = audit(tree, "--last", code=1)["issues"]["orphaned_pools"]
    assert found["group_id"] == "left" and found["reason"] == "empty"
    assert audit(tree, "--fix")["cleanup"]["groups_deleted"] == 1
    assert [g["group_id"] for g in tree.banyan("groups", "list")["groups"]] \
        == ["kept"]
    # a group deleted under its members leaves no membership behind
    member.ok("create", group_id="g", group_type="public")
    tree.banyan("groups", "delete", "g")
    report = audit(tree)
    assert counts(report) == (0, 0, 0) and report["total_subscriptions"] == 0
    tree.kill("relay")
    until(lambda: tree.run_banyan("relay", "audit").returncode == 0, 30)
    assert audit(tree, "--last")["store"] == "compared"


@pytest.mark.parametrize("cleans", [False, True])
def test_the_relay_audits_itself_and_cleans_up_only_if_told_to(cleans):
    with RelayTree(relay="relay: {orphan_grace_ms: 200, audit: {audit_interval_ms: "
                   f"100, cleanup: {str(cleans).lower()}}}}}\n") as tree:
        member = tree.member()
        member.ok("create", group_id="mine", group_type="public")
        with Tail(tree, "--match", "relay.audit") as tail:
            member.ok("create", group_id="left", group_type="public")
            member.ok("leave", group_id="left")
            told = tail.read_until(
                lambda one: one["event"] == "relay.audit.found")
            assert told["measurements"]["orphaned"] == 1
            assert told["measurements"]["groups_deleted"] == int(cleans)
            assert told["metadata"]["is_fixed"] is cleans
            done = tail.read_until(lambda one: one["event"] == "relay.audit")
            assert done["measurements"]["stale"] == 0
            assert "duration_us" in done["measurements"]
        seen = tree.of_relay("audits")
        until(lambda: tree.of_relay("audits") > seen + 1, 30)
        groups = {g["group_id"] for g in
                  tree.banyan("groups", "list")["groups"]}
        assert groups == ({"mine"} if cleans else {"mine", "left"})
        assert set(tree.members_of("mine")) == {member.user}
        assert tree.of_relay("audit_issues") == (0 if cleans else 1)


# --- the health of a group whose member was cut ---

def page_of(tree, group):
    """What /health/subscriptions says of one group."""
    listed = json.loads(get(tree, "/health/subscriptions").text)
    for one in listed["subscriptions"]:
        if one["subscription_name"] == group:
            return one
    return {}


def test_a_member_that_is_cut_degrades_its_groups_until_a_success():
    bus = "telemetry: {bus: {health_interval_ms: 200}}\n"
    with RelayTree(bus, gateway="client_buffer_bytes: 65536") as tree:
        member = tree.member()
        for group in ("g", "other"):
            member.ok("create", group_id=group, group_type="public")
        deaf = Member(tree.port)
        deaf.ok("join", group_id="g")
        text, sent = "x" * 30000, 0
        while tree.counter("slow_readers") == 0:
            assert sent < 2000, "the kernel takes more than it has room for"
            member.ok("send", group_id="g", message=text)
            # ours is delivered in the same turn as the other's
            assert member.message()[1] == text
            sent += 1

        def health(group):
            one, = tree.banyan("relay", "health", group)["subscriptions"]
            return one
        until(lambda: health("g")["current_status"] == "degraded", 30)
        ill = health("g")
        assert ill["last_event"] == "event_delivery_failed"
        assert ill["last_error"] == "a member read too slowly and was cut"
        assert ill["error_count"] == 1
        assert health("other")["current_status"] == "healthy"
        assert health("other")["error_count"] == 0
        assert tree.of_relay("cuts") == 1
        assert set(tree.members_of("g")) == {member.user}
        until(lambda: page_of(tree, "g").get("current_status") == "degraded",
              30)
        with Tail(tree, "health/subscription", "--json", noun="bus") as tail:
            one = tail.read_until(
                lambda said: "current_status" in json.dumps(said) and
                '"g"' in json.dumps(said))
            assert "degraded" in json.dumps(one)
            summary = tail.read_until(
                lambda said: "subscription_health_summary" in
                json.dumps(said))
            assert '"degraded": 1' in json.dumps(summary)
            assert '"total_subscriptions": 2' in json.dumps(summary)
        member.ok("send", group_id="g", message="on")
        assert health("g")["current_status"] == "healthy"
        assert health("g")["error_count"] == 1
        until(lambda: page_of(tree, "g").get("current_status") == "healthy",
              30)
        assert page_of(tree, "g")["last_error"] == \
            "a member read too slowly and was cut"


def test_a_member_that_leaves_by_itself_degrades_nothing(tree):
    member, other = tree.member(), tree.member()
    member.ok("create", group_id="g", group_type="public")
    other.ok("join", group_id="g")
    other.__exit__()
    until(lambda: set(tree.members_of("g")) == {member.user}, 30)
    one, = tree.banyan("relay", "health", "g")["subscriptions"]
    assert one["current_status"] == "healthy" and one["error_count"] == 0
    assert tree.of_relay("cuts") == 0


def test_a_member_that_is_silent_for_too_long_degrades_its_groups():
    with RelayTree(gateway="idle_timeout_ms: 3000") as tree:
        tree.banyan("groups", "create", "g", "public")
        member = tree.member()
        member.ok("join", group_id="g")
        until(lambda: tree.members_of("g") == {}, 30)
        one, = tree.banyan("relay", "health", "g")["subscriptions"]
        assert one["current_status"] == "degraded"
        assert one["last_error"] == \
            "a member was silent for too long and was cut"
