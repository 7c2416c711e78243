"""The slowest calls, the stages of a call, and what a dead life did last."""
import re

from gateway_tree import GatewayTree, request
from tree import until

STAGES = ("decode", "lookup", "permission", "limit", "arguments", "dispatch",
          "encode")


def slow_calls(tree, *words):
    calls = []
    for one in tree.banyan("slow", *words)["instances"]:
        calls += one["result"]["calls"]
    return sorted(calls, key=lambda c: -c["total_us"])


def test_the_slowest_calls_are_kept_with_where_their_time_went():
    with GatewayTree(nodes=("one",)) as tree, tree.joined() as client:
        for _ in range(5):
            client.call(request(args={"a": 1}))
        client.call(request("slow", {"ms": 200}, request_id="the-slow-one"))
        client.call(request("never", request_id="never-answered"))
        calls = slow_calls(tree)
        assert len(calls) == 7
        never, slowest = calls[0], calls[1]
        assert never["request_id"] == "never-answered"
        assert never["answer"] == "expired"
        assert slowest["request_id"] == "the-slow-one"
        assert slowest["answer"] == "ok"
        assert (slowest["service"], slowest["request_type"]) == \
            ("test", "slow")
        for call in calls:
            assert call["gateway_us"] + call["node_us"] == call["total_us"]
        assert slowest["total_us"] >= 200_000
        assert slowest["node_us"] > slowest["gateway_us"]
        assert len(slow_calls(tree, "--limit", "2")) == 2
        text = tree.run_banyan("slow").stdout
        assert "the-slow-one" in text and "expired" in text
        assert text.splitlines()[-1] == \
            "next: banyan trace start --function test/never"
        wrong = tree.run_banyan("slow", "--limit", "0")
        assert wrong.returncode == 64 and "1 to 128" in wrong.stderr

        tree.banyan("slow", "clear")
        assert slow_calls(tree) == []
        assert "op=slow.clear" in (tree.state / "audit.log").read_text()
        # a threshold, from a reload on
        tree.file.write_text(tree.file.read_text() +
                             "telemetry: {slow_log_us: 150000}\n")
        assert tree.run_banyan("reload").returncode == 0
        client.call(request(args={"a": 1}))
        client.call(request("slow", {"ms": 200}, request_id="again"))
        assert [c["request_id"] for c in slow_calls(tree)] == ["again"]


def test_what_every_gateway_refuses_is_refused_for_its_reason():
    with GatewayTree(nodes=("one",),
                     more="workers: {gateway: {instances: 2}}") as tree:
        for limit in ("0", "1000000"):
            done = tree.run_banyan("slow", "--limit", limit)
            assert done.returncode == 64, done.stdout + done.stderr
            assert "--limit takes 1 to" in done.stderr and not done.stdout
        assert tree.run_banyan("slow", "--limit", "x").returncode == 64
        assert tree.run_banyan("slow", "--limit", "1").returncode == 0


def test_each_stage_of_a_call_has_a_histogram_of_one_call_in_64():
    with GatewayTree(nodes=("one",)) as tree, tree.joined() as client:
        for _ in range(128):
            assert client.call(request(args={"a": 1}))[0]["success"]

        def histograms():
            return next(p["histograms"] for p in tree.banyan(
                "stats")["processes"] if p["role"] == "gateway")
        for stage in STAGES:
            assert histograms()[f"stage_{stage}_ns"]["count"] == 2, stage


def test_why_shows_what_each_dead_life_noted_last():
    with GatewayTree(nodes=("one",)) as tree:
        life = tree.life("gateway/1")
        tree.kill("gateway/1")
        tree.until("gateway/1", life=life + 1, state="up")

        def told():
            child = tree.banyan("why", "gateway/1")["children"][0]
            return [o for o in child["obituaries"] if o["life"] == life]
        obituary = until(told)[0]
        events = [e["event"] for e in obituary["events"]]
        assert "link_up" in events or "ready" in events, events
        stamps = [e["wall_us"] for e in obituary["events"]]
        assert stamps == sorted(stamps)
        text = tree.run_banyan("why", "gateway/1").stdout
        past = text[text.index("How earlier lives ended"):]
        assert re.search(rf"\b{events[-1]}\b", past), text
