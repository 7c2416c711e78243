"""The stock phoenix client through every sequence of the protocol, against
the transcripts in phoenix/: a change of the wire is a visible difference.

A file's first word names its tree: relay_*.txt, else the one of calls. How a
transcript is written: transcript.py.
"""
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scenario"))
from gateway_tree import FUNCTIONS, MODES, GatewayTree  # noqa: E402
from phoenix_client import stock_client_is_here  # noqa: E402
from relay_members import RelayTree  # noqa: E402
from transcript import play, read_steps  # noqa: E402
from tree import until  # noqa: E402

pytestmark = pytest.mark.skipif(
    not stock_client_is_here(), reason="npm packages phoenix and ws")

FILES = sorted((HERE / "phoenix").glob("*.txt"))

LIMITS = """\
rate_limiter:
  api_limits:
    - {service: test, request_type: limited, key: key, max_requests: 1,
       window_ms: 60000}
"""
SMALL = "max_async: 2\n  max_streams: 2\n  drain_timeout_ms: 3000"
NAMES = {f["request_type"] for f in MODES}
DENIED = [{"request_type": "members_only", "function": "echo",
           "check_permission": "any_authenticated"}]


class CallTree(GatewayTree):
    """One node of each name, started by the transcripts when they kill it."""

    def __init__(self):
        self.by_name = {}
        super().__init__(
            gateway=SMALL, more=LIMITS,
            functions=[f for f in FUNCTIONS
                       if f["request_type"] not in NAMES] + MODES + DENIED)

    def start_node(self, name):
        self.by_name[name] = super().start_node(name)
        return self.by_name[name]


class GroupTree(RelayTree):
    """Groups: one gateway, so that a guest's name is its place in the row."""

    by_name = {}

    def user_of(self, connect):
        before = self.counter("accepted")
        client = connect()
        until(lambda: self.counter("accepted") == before + 1, 10,
              "the client is in")
        return client, f"guest:1-{self.life('gateway')}-{before + 1}"


# The tree of a transcript, by the first word of its name.
TREES = {"relay": GroupTree}


@pytest.fixture(scope="module", name="trees")
def all_trees():
    open_trees = {}

    def tree_of(path):
        make = TREES.get(path.name.split("_")[0], CallTree)
        if make not in open_trees:
            open_trees[make] = make()
        return open_trees[make]

    yield tree_of
    for tree in open_trees.values():
        tree.close(check=False)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_the_stock_client_sees_what_the_transcript_says(trees, path):
    play(trees(path), path)


def test_both_versions_have_the_same_transcripts():
    """What is sent by steps in V2 is also sent in V1, but for binary."""
    def steps(path):
        return [s.line.replace(" v1", "") for s in read_steps(path)[1]]

    plain = [p for p in FILES if not p.stem.endswith("_v1")]
    for path in plain:
        if "binary" in path.stem:
            continue
        other = path.with_name(path.stem + "_v1.txt")
        assert other.exists(), f"{other.name} is missing"
        assert steps(path) == steps(other), other.name


@pytest.mark.parametrize("kind", [
    "sync", "async", "none", "stream", "channel", "binary", "relay"])
def test_each_kind_of_sequence_has_transcripts(kind):
    assert any(p.stem.startswith(kind) for p in FILES)
