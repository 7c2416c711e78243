"""Members that come and go by the thousand while the relay is killed: at the
end the relay knows what each of them was told, and nobody has heard a message
of a group he was not in."""
import json
import pathlib
import random
import sys
import threading
import time

import pytest

from loaded_tree import FULL

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent /
                       "scenario"))
# pylint: disable=wrong-import-position
from relay_members import Member, RelayTree  # noqa: E402
from tree import until  # noqa: E402

SECONDS = 60 if FULL else 8
KILL_EVERY = 5 if FULL else 2
USERS = 60
GROUPS = {"p1": "public", "p2": "public", "q": "private",
          "s": "strict_private"}
RESTARTS = """\
supervisor: {restarts: 1000, rest_first_ms: 1, rest_cap_ms: 20,
  starts_per_second: 0, starts_per_minute: 0}
"""
OUT, IN, UNKNOWN = "out", "in", "unknown"


class Churner(Member):
    """One user: what he was told of himself, and what he must not hear."""

    def __init__(self, port, tree):
        super().__init__(port)
        self.name(f"who-{id(self)}")
        self.tree = tree
        self.told = dict.fromkeys(GROUPS, OUT)
        self.may_hear = dict.fromkeys(GROUPS, False)
        self.asked = None
        self.wrong = []
        self.messages = 0

    def begin(self, request_type, group, **args):
        if request_type == "join":
            # a public group may speak to us before our answer comes
            self.may_hear[group] = GROUPS[group] == "public"
            self.told[group] = UNKNOWN
        self.asked = (request_type, group)
        self.number = self.start(request_type, group_id=group, **args)

    def end(self):
        """Reads up to our answer, and judges what came before it."""
        answer = self.finish(self.number)
        request_type, group = self.asked
        self.judge()
        error = (answer["error"] or "").split(":")[0]
        if request_type == "join" and (answer["success"] or
                                       error == "already_member"):
            self.told[group] = IN
        elif request_type == "join":
            self.may_hear[group] = True
        elif request_type == "leave":
            is_over = answer["success"] or error == "user_not_in_group"
            self.told[group] = OUT if is_over else UNKNOWN
            self.may_hear[group] = not is_over
        return answer

    def judge(self):
        for push in self.heard:
            group = push["result"]["group_id"]
            self.messages += 1
            if not self.may_hear[group]:
                self.wrong.append((self.user, group, push))
        self.heard.clear()

    def move(self):
        group = random.choice(list(GROUPS))
        state = self.told[group]
        if state == UNKNOWN:
            self.begin("leave", group)
        elif state == OUT:
            self.begin("join", group)
        elif random.random() < 0.6:
            self.begin("leave", group)
        else:
            self.begin("send", group, message="to members only")


def decide(admin, users):
    """The admin lets somebody in, mutes or unmutes somebody."""
    user = random.choice(users)
    group = random.choice(["q", "s"])
    what = random.choice(["accept", "accept", "mute", "unmute"])
    if what == "accept":
        # from now on he may hear: his join may be under way just now
        if user.told[group] != OUT:
            user.may_hear[group] = True
    else:
        group = "s"
    admin.ask(what, group_id=group, user_id=user.user)
    admin.heard.clear()


def churn(tree, admin, users):
    """Rounds of one call each, until the time is over."""
    end = time.monotonic() + SECONDS
    kill_at = time.monotonic() + KILL_EVERY
    moves = kills = 0
    while time.monotonic() < end:
        if time.monotonic() >= kill_at:
            tree.kill("relay")
            kills += 1
            kill_at = time.monotonic() + KILL_EVERY
        for user in users:
            user.move()
        decide(admin, users)
        for user in users:
            user.end()
        moves += len(users)
    return moves, kills


@pytest.mark.parametrize("gateways", [1, 2])
def test_members_that_come_and_go_while_the_relay_is_killed(gateways):
    random.seed(gateways)
    more = RESTARTS + f"workers: {{gateway: {{instances: {gateways}}}}}\n"
    with RelayTree(more) as tree:
        admin = tree.member()
        for group, kind in GROUPS.items():
            admin.ok("create", group_id=group, group_type=kind)
        users = [Churner(tree.port, tree) for _ in range(USERS)]
        moves, kills = churn(tree, admin, users)
        print(f"{moves / SECONDS:.0f} moves a second, {kills} kills")
        assert kills >= 2
        tree.until("relay", state="up")
        tree.until_live(())
        until(lambda: admin.ask("list")["success"], 10)
        # who was told nothing certain leaves, and is out for certain
        for user in users:
            for group, state in user.told.items():
                if state == UNKNOWN:
                    user.begin("leave", group)
                    user.end()
                    assert user.told[group] == OUT
        for group in GROUPS:
            there = set(tree.members_of(group)) - {admin.user}
            assert there == {u.user for u in users if u.told[group] == IN}
        wrong = [w for user in users for w in user.wrong]
        assert not wrong, wrong[:3]
        assert sum(user.messages for user in users) > 0


def audit_again_and_again(tree, is_over, reports):
    while not is_over.is_set():
        done = tree.run_banyan("relay", "audit", "--fix", "--json")
        # between two lives of the relay nobody answers
        if done.returncode in (0, 1) and done.stdout.strip():
            report = json.loads(done.stdout)
            if "summary" in report:
                reports.append(report)


def test_audits_that_clean_up_never_end_the_membership_of_a_live_member():
    random.seed(3)
    more = RESTARTS + "workers: {gateway: {instances: 2}}\n"
    with RelayTree(more) as tree:
        admin = tree.member()
        for group, kind in GROUPS.items():
            admin.ok("create", group_id=group, group_type=kind)
        users = [Churner(tree.port, tree) for _ in range(USERS)]
        is_over, reports = threading.Event(), []
        auditor = threading.Thread(target=audit_again_and_again,
                                   args=(tree, is_over, reports))
        auditor.start()
        try:
            churn(tree, admin, users)
            tree.until("relay", state="up")
            until(lambda: admin.ask("list")["success"], 10)
            seen = len(reports)
            until(lambda: len(reports) > seen + 1, 60, "it is audited still")
        finally:
            is_over.set()
            auditor.join()
        for user in users:
            for group, state in user.told.items():
                if state == UNKNOWN:
                    user.begin("leave", group)
                    user.end()
        for group in GROUPS:
            there = set(tree.members_of(group)) - {admin.user}
            assert there == {u.user for u in users if u.told[group] == IN}
        # every end was told before the roll that does not name it any more
        stale = [r for r in reports if
                 r["summary"]["stale_subscription_count"] > 0]
        assert not stale, stale[:2]
        assert any(r["gateways_answered"] == 2 for r in reports)


SMALL = "client_buffer_bytes: 65536"


def rss(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def test_members_that_stop_reading_are_told_then_cut_and_cost_little():
    count = 1000 if FULL else 300
    with RelayTree("", gateway=SMALL) as tree:
        admin = tree.member()
        admin.ok("create", group_id="g", group_type="public")
        readers = [tree.member() for _ in range(5)]
        deaf = [Member(tree.port) for _ in range(count)]
        for member in readers + deaf:
            member.ok("join", group_id="g")
        pid = tree.pid("gateway")
        before = rss(pid)
        text = "x" * 30000
        sent, most = 0, 0
        while tree.counter("slow_readers") < count:
            admin.ok("send", group_id="g", message=f"{sent} {text}")
            sent += 1
            assert sent < 2000, "the kernel takes no more than it has room for"
            for member in [admin, *readers]:
                assert member.message()[1].startswith(f"{sent - 1} ")
            most = max(most, rss(pid) - before)
        # budgets of all, and what the allocator makes of them
        assert most < count * 65536 * 2 + (64 << 20)
        assert tree.counter("slow_told") > 0
        until(lambda: set(tree.members_of("g")) ==
              {m.user for m in [admin, *readers]}, 10)
        # one that reads at last hears that he was slow, and why it ended
        last = deaf[0]
        said = []
        try:
            while True:
                said.append(last.hear()[3])
        except AssertionError as closed:
            kind, data = closed.args[0]
            assert kind == 8 and data[2:] == b"slow reader"
        assert said.count("slow_reader") <= 2 and set(said) <= {
            "api", "slow_reader"}
        assert admin.ok("send", group_id="g", message="on")[
            "recipients_count"] == 6
