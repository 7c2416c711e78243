#!/usr/bin/python3
"""Measures a built tree against its targets; called by scripts/bench."""
import argparse
import json
import os
import platform
import sys
import traceback

import rows


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"cpus": os.cpu_count(), "model": model,
            "kernel": platform.release(), "load_1m": os.getloadavg()[0]}


def is_broken(row):
    """The ledger is: a call without an end, or with two."""
    return row.get("unanswered", 0) > 0 or row.get("answered_twice", 0) > 0


def say(row):
    figures = "  ".join(
        f"{key} {value}" for key, value in row.items()
        if key not in ("name", "holds", "roles") and value != 0)
    mark = "holds" if row["holds"] else "MISSES"
    print(f"{row['name']:<16} {mark:<7} {figures}", file=sys.stderr)
    for role, figures in row.get("roles", {}).items():
        print(f"  {role:<14} p50 {figures['p50_ms']} ms  p99 "
              f"{figures['p99_ms']} ms", file=sys.stderr)


def measure(bench, names):
    """One row after the other; a row that cannot run says why."""
    out = []
    for name in names:
        try:
            row = rows.ROWS[name](bench, name)
        except Exception as error:  # a report with a hole beats none
            traceback.print_exc()
            row = {"name": name, "holds": False, "error": str(error)}
        out.append(row)
        say(row)
    return out


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--programs", required=True)
    parser.add_argument("--json", action="store_true",
                        help="print one JSON document on standard output")
    parser.add_argument("--quick", action="store_true",
                        help="shorter rounds, done within 120 seconds")
    parser.add_argument("--rows", default=",".join(rows.ROWS),
                        help="only these, by name")
    options = parser.parse_args()
    names = [name for name in options.rows.split(",") if name]
    unknown = set(names) - set(rows.ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are "
                     f"{', '.join(rows.ROWS)}")
    bench = rows.Bench(options.programs, options.quick)
    try:
        bench.start_echo()
        bench.start_tree()
        out = measure(bench, names)
    finally:
        bench.close()
    if options.json:
        print(json.dumps({"schema": 1, "machine": machine(), "rows": out}))
    return 1 if any(is_broken(row) for row in out) else 0


if __name__ == "__main__":
    sys.exit(main())
