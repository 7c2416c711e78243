"""What stands between a death and READY: as little as a role can do with."""
import pathlib
import re
import subprocess

import pytest
from tree import LIBEXEC, Tree, until

# The libraries that make a start slow, by the roles that cannot be without.
HEAVY = {
    "libcrypto": {"gateway", "monitor"},  # tokens; signed messages
    "libssl": set(),
    "libgcc_s": set(),
    "libnng": {"control", "monitor", "puller"},
    "libmbedcrypto": {"control", "monitor", "puller"},
    "libyaml": set(),
}


@pytest.fixture(scope="module", name="tree")
def a_tree():
    with Tree() as tree:
        tree.until_whole()
        yield tree


def libraries(pid):
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
    return set(re.findall(r"/(lib\w+)[-\d.]*\.so", maps))


@pytest.mark.parametrize("library", HEAVY)
def test_only_roles_that_need_a_library_load_it(tree, library):
    who = {child["role"] for child in tree.children()
           if library in libraries(child["pid"])}
    assert who <= HEAVY[library], \
        f"{library} costs {who - HEAVY[library]} time at every restart"


def test_the_pool_is_ready_before_it_starts_its_runners(tree):
    life = tree.life("worker_pool")
    before = len(tree.log())
    tree.kill("worker_pool")
    tree.until("worker_pool", life=life + 1, state="up")
    lines = until(lambda: [
        line for line in tree.log()[before:].splitlines()
        if re.search(r" worker_pool.* (ready|worker_spawned) ", line)
        and "worker_spawned" in tree.log()[before:]], 10, "runners start")
    assert " ready " in lines[0], lines


PROGRAMS = sorted(p for p in [*LIBEXEC.iterdir(), *LIBEXEC.parent.parent.
                              joinpath("bin").iterdir()] if p.is_file())


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_a_program_s_tables_of_addresses_are_read_only(program):
    told = subprocess.run(["readelf", "-ldW", str(program)], text=True,
                          capture_output=True, check=True).stdout
    assert "GNU_RELRO" in told and "BIND_NOW" in told and "PIE" in told
