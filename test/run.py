#!/usr/bin/python3
"""Runs the test suites of a built tree and counts each test once.

Called by scripts/test; prints a line per test program as it ends, the output
of what failed, and last "N passed, N failed, N skipped".
"""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build" / "test-results"
SUITES = ["unit", "asan", "tsan", "fuzz", "structure", "golden", "scenario",
          "chaos", "features"]
LONGEST_S = 600  # one test program or one pytest file
STUCK_S = 300  # one test: it tells where it stands, in the output of the file
WAITING = ("golden", "scenario")  # these wait more than they work
SIDE_BY_SIDE = 3  # files of those
CORES = 2  # that a machine has at least: so many unit tests at a time


class Tally:
    """Every outcome by name: "unit:base:a_test" → passed, failed, skipped."""

    def __init__(self):
        self.outcomes = {}

    def add(self, name, outcome):
        if self.outcomes.get(name) != "failed":
            self.outcomes[name] = outcome

    def count(self, outcome):
        return sum(1 for o in self.outcomes.values() if o == outcome)

    def save(self):
        RESULTS.mkdir(parents=True, exist_ok=True)
        lines = [f"{o} {n}\n" for n, o in sorted(self.outcomes.items())]
        (RESULTS / "all.txt").write_text("".join(lines))


def read_junit(path, prefix, tally):
    """Adds the cases of a JUnit file; says how many of each there were."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in ElementTree.parse(path).iter("testcase"):
        children = {child.tag for child in case}
        outcome = "passed"
        if children & {"failure", "error"}:
            outcome = "failed"
        elif "skipped" in children:
            outcome = "skipped"
        counts[outcome] += 1
        tally.add(f"{prefix}:{case.get('name').split('[')[0]}", outcome)
    return counts


def failures_in(path):
    """What the failed cases of a JUnit file say; programs with an XML file of
    their own print nothing."""
    said = []
    for case in ElementTree.parse(path).iter("testcase"):
        for child in case:
            if child.tag in ("failure", "error"):
                said.append(f"{case.get('name')}: {(child.text or '').strip()}")
    return "\n".join(said)


def run_one(prefix, command, junit, tally, extra_env, alone=None):
    """Runs one test program; a program that dies is a failed test. `alone`
    names the one test that a program without a JUnit file is."""
    began = time.monotonic()
    junit.unlink(missing_ok=True)
    try:
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **extra_env},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=LONGEST_S, check=False)
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = late.stdout or b"", f"no end after {LONGEST_S} s"
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if junit.exists():
        counts = read_junit(junit, prefix, tally)
    elif code == 0 and alone:
        counts["passed"] = 1
        tally.add(f"{prefix}:{alone}", "passed")
    if code not in (0, 5) and counts["failed"] == 0:
        counts["failed"] += 1
        tally.add(f"{prefix}:ends_well", "failed")
    spent = time.monotonic() - began
    word = "FAIL" if counts["failed"] else "ok"
    print(f"  {word:4} {prefix:44} {counts['passed']:5} passed"
          f" {counts['failed']:3} failed {counts['skipped']:3} skipped"
          f" {spent:7.1f} s", flush=True)
    if counts["failed"]:
        text = output.decode(errors="replace")
        if not text.strip() and junit.exists():
            text = failures_in(junit)
        print(text[-12000:], f"\n  (exit {code})", flush=True)


def at_a_time(count, job, things):
    with concurrent.futures.ThreadPoolExecutor(count) as lanes:
        for done in [lanes.submit(job, thing) for thing in things]:
            done.result()


def run_cmocka(build, suite, tally):
    def run_program(program):
        name = program.name.removesuffix("_test")
        junit = RESULTS / f"{suite}-{name}.xml"
        run_one(f"{suite}:{name}", [str(program)], junit, tally, {
            "CMOCKA_MESSAGE_OUTPUT": "XML", "CMOCKA_XML_FILE": str(junit),
            "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"})

    at_a_time(CORES, run_program,
              sorted((ROOT / build / "test" / "unit").glob("*_test")))


def run_pytest(suites, tally, extra_env):
    """Files of suites that wait are run side by side, of all of them; chaos
    has the machine to itself."""
    def run_file(source):
        suite, name = source.parent.name, source.name.removesuffix("_test.py")
        junit = RESULTS / f"{suite}-{name}.xml"
        run_one(f"{suite}:{name}", [
            "/usr/bin/python3", "-m", "pytest", "-q", "-x" if
            os.environ.get("BANYAN_TEST_STOP") else "-q",
            "-p", "no:cacheprovider", "-o", f"faulthandler_timeout={STUCK_S}",
            f"--junitxml={junit}", str(source)],
            junit, tally, extra_env)

    at_a_time(SIDE_BY_SIDE if suites[0] in WAITING else 1, run_file,
              [source for suite in suites
               for source in sorted((ROOT / "test" / suite).glob("*_test.py"))])


def run_fuzz(tally):
    """Replays each target's corpus: the parsers must survive it all."""
    for program in sorted((ROOT / "build-asan/test/fuzz").glob("*_replay")):
        name = program.name.removesuffix("_replay")
        corpus = ROOT / "test" / "fuzz" / "corpus" / name
        run_one(f"fuzz:{name}", [str(program), str(corpus)],
                RESULTS / f"fuzz-{name}.none", tally, {}, "survives_its_corpus")


def groups_of(suites):
    """Each for itself, but those that wait, which are run as one."""
    groups = []
    for suite in suites:
        if suite in WAITING and groups and groups[-1][0] in WAITING:
            groups[-1].append(suite)
        else:
            groups.append([suite])
    return groups


def run_group(group, is_everything, tally, env):
    suite = group[0]
    if suite == "unit":
        run_cmocka("build", "unit", tally)
    elif suite in ("asan", "tsan"):
        run_cmocka(f"build-{suite}", suite, tally)
    elif suite == "fuzz":
        run_fuzz(tally)
    elif suite == "features":
        tally.save()
        run_pytest(group, tally, {
            **env, "BANYAN_TEST_RESULTS":
            str(RESULTS / "all.txt") if is_everything else ""})
    else:
        run_pytest(group, tally, env)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true",
                        help="the long set: more kills, longer loops")
    parser.add_argument("suites", nargs="*", default=[])
    options = parser.parse_args()
    wanted = options.suites or SUITES
    unknown = [s for s in wanted if s not in SUITES]
    if unknown:
        parser.error(f"no suite {unknown[0]}; there are {' '.join(SUITES)}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    tally = Tally()
    env = {"BANYAN_TEST_FULL": "1" if options.full else "",
           "PYTHONDONTWRITEBYTECODE": "1",
           "PYTHONPATH": str(ROOT / "test" / "scenario")}
    for group in groups_of([s for s in SUITES if s in wanted]):
        print(", ".join(group) + ":", flush=True)
        run_group(group, wanted == SUITES, tally, env)
    tally.save()
    failed = tally.count("failed")
    print(f"{tally.count('passed')} passed, {failed} failed,"
          f" {tally.count('skipped')} skipped", flush=True)
    return 1 if failed or not tally.count("passed") else 0


if __name__ == "__main__":
    sys.exit(main())
