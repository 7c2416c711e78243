"""scripts/new-worker: one command, and a worker is in the tree's tables."""
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest.fixture(name="copy")
def copy_of_the_sources(tmp_path):
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", "protocol",
         "workers", "scripts", "meson.build"], cwd=ROOT, capture_output=True,
        text=True, check=True).stdout.split()
    for name in names:
        if (ROOT / name).exists():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def new_worker(copy, *arguments):
    return subprocess.run([str(copy / "scripts" / "new-worker"), *arguments],
                          capture_output=True, text=True, check=False)


def test_a_new_worker_has_its_rows_and_compiles(copy):
    done = new_worker(copy, "greeter", "says hello")
    assert done.returncode == 0, done.stderr
    rows = (copy / "protocol/tables/workers.h").read_text()
    assert rows.index("W(greeter,") < rows.index("W(gateway,")
    assert "subdir('workers/greeter')" in (copy / "meson.build").read_text()
    for name in ("main.c", "greeter.c"):
        built = subprocess.run(
            ["gcc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
             "-fsyntax-only", "-I.", f"workers/greeter/{name}"], cwd=copy,
            capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr


def test_a_new_worker_is_formatted_as_the_house_wants(copy):
    if not shutil.which("clang-format-14"):
        pytest.skip("clang-format-14 is not here")
    assert new_worker(copy, "greeter", "says hello").returncode == 0
    shutil.copy2(ROOT / ".clang-format", copy / ".clang-format")
    files = [str(p) for p in (copy / "workers/greeter").glob("*.[ch]")]
    done = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *files],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_name_that_is_taken_or_no_word_is_refused(copy):
    before = (copy / "protocol/tables/workers.h").read_text()
    assert new_worker(copy, "config_db", "again").returncode != 0
    assert new_worker(copy, "Two Words", "no").returncode != 0
    assert new_worker(copy).returncode != 0
    assert (copy / "protocol/tables/workers.h").read_text() == before
