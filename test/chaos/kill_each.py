#!/usr/bin/python3
"""Kills each process of a loaded tree many times and prints the ledger.

    test/chaos/kill_each.py --times 200            every role
    test/chaos/kill_each.py --times 50 gateway/1 supervisor
"""
import argparse
import json
import sys

from loaded_tree import CHILDREN, LoadedTree, until


def kill_often(tree, name, times):
    """SIGKILLs one role again and again under load; gives the ledger."""
    with tree.load() as load:
        for _ in range(times):
            tree.kill_and_heal(name)
            if name == "supervisor":
                until(lambda: set(CHILDREN) <= set(tree.below()), 10,
                      "all children are there")
        tree.until_serving()
    tree.until_whole()
    return load


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("names", nargs="*", default=CHILDREN)
    options = parser.parse_args()
    failed = 0
    for name in options.names:
        with LoadedTree() as tree:
            before = tree.tally()
            load = kill_often(tree, name, options.times)
            print(json.dumps({"killed": name, "times": options.times,
                              **load.ledger}), flush=True)
            try:
                load.holds(options.times if name.startswith("gateway") or
                           name == "supervisor" else 0)
                tree.until_tally(*before)
            except AssertionError as reason:
                print(f"FAILED {name}: {reason}", file=sys.stderr)
                failed += 1
    print(f"{len(options.names) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
