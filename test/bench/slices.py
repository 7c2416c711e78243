"""One set of clients that never stops calling, measured slice by slice.

A machine is faster now than in a minute; two runs one after the other measure
that. Here the same connections call under one condition and under the other by
turns, a fraction of a second each, in the order off on on off …: whatever
drifts is in both halves of a pair alike. The middle of the pairs' ratios is
told, so a pair that something else fell into decides nothing.
"""
import json
import statistics
import subprocess
import time

SETTLE_S = 0.05


class Slices:
    """One generator, or several at the same time; summed up as one."""

    def __init__(self, bench, *loads):
        """loads: (connections, pipeline, options) of each generator."""
        self.loads = [subprocess.Popen(
            bench.load_words(connections, pipeline, marks=True,
                             seconds=100_000, warmup_ms=200, **options),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
            for connections, pipeline, options in loads]
        self.ledger = None
        self.is_on = False
        for load in self.loads:
            line = load.stderr.readline()
            if not line.startswith("joined"):
                raise RuntimeError(f"load: {line.strip()}")

    def __enter__(self):
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        done = [load.communicate(timeout=30)[0] for load in self.loads]
        self.ledger = [json.loads(text.splitlines()[-1]) for text in done]

    def next(self):
        """Ends the slice under way and gives its figures."""
        for load in self.loads:
            load.stdin.write("\n")
            load.stdin.flush()
        ends = [json.loads(load.stdout.readline()) for load in self.loads]
        return {"calls_per_s": sum(e["calls_per_s"] for e in ends),
                "p99_us": ends[0]["p99_us"],
                "gateway_cpu_us": ends[0]["cpu_us"]["gateway"]}

    def measure(self, switch, is_on, seconds):
        if is_on != self.is_on:
            switch(is_on)
            self.is_on = is_on
        time.sleep(SETTLE_S)
        self.next()
        time.sleep(seconds)
        return self.next()


def by_turns(slices, switch, pairs, seconds):
    """Pairs of (off, on). `switch` is told changes only; it begins off."""
    found = []
    for i in range(pairs):
        order = (False, True) if i % 2 == 0 else (True, False)
        pair = {is_on: slices.measure(switch, is_on, seconds)
                for is_on in order}
        found.append((pair[False], pair[True]))
    return found


def ratio_of(pairs, key):
    """(the middle of the ratios on / off, their lower and upper quarter)"""
    ratios = sorted(on[key] / off[key] for off, on in pairs if off[key] > 0)
    if not ratios:
        return 1.0, [1.0, 1.0]
    return statistics.median(ratios), [round(ratios[len(ratios) // 4], 3),
                                       round(ratios[-1 - len(ratios) // 4], 3)]


def middle(pairs, key, is_on):
    return statistics.median(pair[is_on][key] for pair in pairs)


def figures(name, pairs, slices):
    """What every row that compares two conditions tells."""
    row = {"name": name, "pairs": len(pairs)}
    for key in ("unanswered", "answered_twice", "wrong", "errors"):
        row[key] = sum(ledger[key] for ledger in slices.ledger)
    for key, short in (("calls_per_s", "rate"), ("p99_us", "p99"),
                       ("gateway_cpu_us", "cpu")):
        ratio, quarters = ratio_of(pairs, key)
        row[f"{short}_ratio"] = round(ratio, 3)
        row[f"{short}_quarters"] = quarters
        row[key] = round(middle(pairs, key, True), 3)
        row[f"off_{key}"] = round(middle(pairs, key, False), 3)
    return row


def is_sound(row):
    """Refusals are answered faster than calls: they must not count."""
    return row["errors"] == row["wrong"] == 0
