"""Every row of test/FEATURES.md names tests that exist, ran and passed."""
import os
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ROW = re.compile(r"^\| *([^|]+?) *\|([^|]+)\|([^|]+)\|$")
REFERENCE = re.compile(r"^(unit|golden|fuzz|structure|scenario|chaos):"
                       r"(\w+):(\w+)$")


def rows():
    for line in (ROOT / "test" / "FEATURES.md").read_text().splitlines():
        match = ROW.match(line)
        if match and match[1] != "id" and set(match[1]) != {"-"}:
            names = re.split(r"[,\s]+", match[3].replace("`", "").strip())
            yield match[1], [name for name in names if name]


def source_of(suite, name):
    ending = "c" if suite == "unit" else "py"
    return ROOT / "test" / suite / f"{name}_test.{ending}"


def test_the_table_has_rows_and_every_line_of_it_is_one():
    lines = (ROOT / "test" / "FEATURES.md").read_text().splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(list(rows())) == len(table) - 2 > 200, "a row with other bars?"


def test_every_row_names_a_test_in_the_tree():
    wrong = []
    for feature, references in rows():
        if not references:
            wrong.append(f"{feature}: no test")
        for reference in references:
            match = REFERENCE.match(reference)
            if not match:
                wrong.append(f"{feature}: {reference} is not SUITE:FILE:TEST")
                continue
            suite, name, test = match.groups()
            if suite == "fuzz":
                continue
            source = source_of(suite, name)
            if not source.exists() or not re.search(
                    rf"\b{test}\b", source.read_text()):
                wrong.append(f"{feature}: {reference} does not exist")
    assert not wrong, "\n".join(wrong)


def test_no_row_is_there_twice():
    seen = [feature for feature, _ in rows()]
    twice = sorted({f for f in seen if seen.count(f) > 1})
    assert not twice, f"listed twice: {twice}"


def test_every_named_test_ran_and_passed():
    path = os.environ.get("BANYAN_TEST_RESULTS")
    if not path:
        pytest.skip("only a run of every suite can tell")
    outcomes = {}
    for line in pathlib.Path(path).read_text().splitlines():
        outcome, name = line.split(" ", 1)
        outcomes[name] = outcome
    wrong = [f"{feature}: {reference} {outcomes.get(reference, 'did not run')}"
             for feature, references in rows() for reference in references
             if outcomes.get(reference) != "passed"]
    assert not wrong, "\n".join(wrong)
