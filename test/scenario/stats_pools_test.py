"""`banyan stats`: what rose in each pool since it was last asked."""
import pytest

from hooks_test import HookTree, ask
from tree import until


@pytest.fixture(name="tree", scope="module")
def fixture_tree():
    with HookTree() as tree:
        yield tree


def pools(tree, *more):
    return tree.banyan("stats", *more)["banyan"]["worker_pool"]


def test_each_pool_says_what_it_did_since_the_last_time(tree):
    with tree.joined() as client:
        pools(tree)
        for _ in range(3):
            assert ask(client, "count", kind="after")["success"]
        rose = {"requests": 3, "total_tasks_executed": 3}
        # a peek leaves it to the next who asks
        assert pools(tree, "--peek")["since_last"] == \
            {"default": {}, "mine": rose}
        page = tree.run_banyan("stats", "--peek").stdout
        line = next(row for row in page.splitlines()
                    if row.startswith("    mine"))
        assert " +3" in line
        assert pools(tree)["since_last"]["mine"] == rose
        assert pools(tree)["since_last"] == {"default": {}, "mine": {}}


def test_after_a_death_it_is_what_the_new_life_did(tree):
    with tree.joined() as client:
        for _ in range(5):
            ask(client, "count", kind="after")
        pools(tree)
        tree.kill("worker_pool")
        until(lambda: ask(client, "count", kind="after")["success"], 20,
              "the pool answers again")
        asked = until(lambda: pools(tree, "--peek").get("since_last"))
        data = {p["name"]: p for p in pools(tree, "--peek")["data"]["pools"]}
        assert 0 < asked["mine"]["requests"] <= data["mine"]["requests"]
