"""`banyan observe …`: the same look again and again, kept in the monitor."""
import pytest

from tree import Tree, until

SETTINGS = """\
node: test
gateway: {port: 0}
"""


@pytest.fixture(scope="module", name="tree")
def shared_tree():
    with Tree(SETTINGS, service=False) as shared:
        yield shared


FIELDS = {"system_metrics": {"cpu_percent", "load", "total_memory",
                             "used_memory", "disk_percent", "timestamp"},
          "process_metrics": {"process_count", "processes", "timestamp"},
          "memory_usage": {"total_memory", "used_memory", "tree_memory",
                           "timestamp"}}


@pytest.mark.parametrize("target", sorted(FIELDS))
def test_an_observation_collects_points_until_it_is_stopped(tree, target):
    begun = tree.banyan("observe", "start", target, "--interval", "100")
    name = begun["id"]
    assert name.startswith("obs_") and begun["target"] == target
    listed = {o["id"]: o for o in tree.banyan("observe", "list")}
    assert listed[name]["interval_ms"] == 100
    data = until(lambda: (d := tree.banyan("observe", "data", name))
                 ["data_points"] >= 3 and d, 20, "three points")
    assert len(data["points"]) == data["data_points"] and data["uptime_ms"] > 0
    assert all(set(p) == FIELDS[target] for p in data["points"])
    times = [p["timestamp"] for p in data["points"]]
    assert times == sorted(times)
    assert len(tree.banyan("observe", "data", name, "--limit", "2")["points"]) == 2
    assert tree.banyan("observe", "stop", name)["data_points"] >= 3
    said = tree.run_banyan("observe", "data", name)
    assert said.returncode == 1 and "observe list" in said.stderr
    assert name not in {o["id"] for o in tree.banyan("observe", "list")}


def test_each_point_is_a_look_of_its_own(tree):
    """The monitor's records look at the machine every five seconds only."""
    name = tree.banyan("observe", "start", "system_metrics", "--interval",
                       "200")["id"]

    def moves():
        points = tree.banyan("observe", "data", name)["points"]
        used = [p["used_memory"] for p in points]
        return any(a != b != c for a, b, c in zip(used, used[1:], used[2:]))
    until(moves, 60, "three points with three values")
    tree.banyan("observe", "stop", name)


def test_processes_are_those_of_the_tree(tree):
    name = tree.banyan("observe", "start", "process_metrics")["id"]
    seen = tree.banyan("observe", "data", name)["points"][0]["processes"]
    pids = {p["process"]: p["pid"] for p in seen}
    assert pids["puller"] == tree.pid("puller")
    assert all(p["memory"] > 0 for p in seen)
    tree.banyan("observe", "stop", name)


def test_what_cannot_be_observed_is_said(tree):
    said = tree.run_banyan("observe", "start", "weather")
    assert said.returncode == 64 and "memory_usage" in said.stderr
    said = tree.run_banyan("observe", "start", "memory_usage", "--interval", "1")
    assert said.returncode == 64 and "milliseconds" in said.stderr
    assert tree.run_banyan("observe", "stop", "obs_99999").returncode == 1
    names = [tree.banyan("observe", "start", "memory_usage")["id"]
             for _ in range(16)]
    said = tree.run_banyan("observe", "start", "memory_usage")
    assert said.returncode != 0 and "observe stop" in said.stderr
    for name in names:
        tree.banyan("observe", "stop", name)
