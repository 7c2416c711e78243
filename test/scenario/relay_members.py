"""Members of groups for scenario tests: clients that ask, and listen."""
import itertools

from gateway_tree import GatewayTree
from phoenix_client import RawClient, SEVEN_KEYS

NUMBERS = itertools.count(1)
RELAY = """\
relay: {orphan_grace_ms: 400, empty_group_ms: 3600000, reattach_ms: 1500}
"""


class Member(RawClient):
    """A client on one topic; what others say waits in `heard`."""

    def __init__(self, port, topic="api:lobby", **how):
        super().__init__(port, **how)
        self.topic = topic
        self.heard = []
        self.join_ref, status, _ = self.join(topic)
        assert status == "ok"
        self.user = None

    def start(self, request_type, service="relay", **args):
        # a message carries its sender's id to others: no two are alike
        number = f"{request_type}-{next(NUMBERS)}"
        self.say(self.join_ref, number, self.topic, "api",
                 {"service": service, "request_type": request_type,
                  "request_id": number, "args": args})
        return number

    def finish(self, number):
        """The answer of one call; pushes of others are kept in order."""
        answer = None
        while True:
            _, ref, _, event, payload = self.hear()
            if event == "phx_reply" and ref == number:
                assert answer is not None, "the reply came before the push"
                return answer
            assert event == "api" and SEVEN_KEYS <= set(payload)
            if payload["request_id"] == number and answer is None:
                answer = payload
            else:
                self.heard.append(payload)

    def ask(self, request_type, **args):
        return self.finish(self.start(request_type, **args))

    def ask_service(self, service, request_type, **args):
        return self.finish(self.start(request_type, service, **args))

    def ok(self, request_type, **args):
        answer = self.ask(request_type, **args)
        assert answer["success"], answer
        return answer["result"]

    def no(self, request_type, **args):
        """The error text and its code."""
        answer = self.ask(request_type, **args)
        assert not answer["success"], answer
        return answer["error"], answer["code"]

    def message(self):
        """The next message of a group: (from, message, whole push)."""
        while not self.heard:
            _, ref, _, event, payload = self.hear()
            assert event == "api" and ref is None, (event, payload)
            self.heard.append(payload)
        push = self.heard.pop(0)
        assert set(push) == SEVEN_KEYS and push["success"]
        result = push["result"]
        return result["from_user_id"], result["message"], push

    def silence(self):
        """Nothing was said to us: an answer comes after all messages."""
        self.ok("list")
        assert not self.heard, self.heard

    def name(self, group):
        """How the relay calls us, from a group we are alone to see."""
        if self.user is None:
            self.ok("create", group_id=group, group_type="private")
            info = self.ok("info", group_id=group)
            self.user, = info["members"]
            self.ok("delete", group_id=group)
        return self.user


class RelayTree(GatewayTree):
    def __init__(self, more="", relay=RELAY, **how):
        super().__init__(nodes=(), functions=[], more=relay + more, **how)

    def until_live(self, names):
        super().until_live(["relay"])

    def member(self, **how):
        member = Member(self.port, **how)
        member.name(f"who-{id(member)}")
        return member

    def members_of(self, group):
        """{user: "admin active"} as operators see it."""
        shown = self.banyan("groups", "show", group)
        return {m["user_id"]: f"{m['role']} {m['status']}"
                for m in shown["members"]}

    def of_relay(self, name):
        """A counter of the relay."""
        process, = [p for p in self.banyan("stats", code=None)["processes"]
                    if p["role"] == "relay"]
        return process["counters"][name]
