"""The house rules, as tests: what a reviewer would otherwise repeat."""
import collections
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PRODUCT = ("supervisor", "protocol", "workers")
LONGEST_FUNCTION = 60
LONGEST_FILE = 500
MOST_NEEDSWORK = 5
BANNED = re.compile(
    r"\b(strcpy|strcat|sprintf|gets|atoi|strtok|system|popen|alloca|malloc"
    r"|free|sleep)\s*\(")
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)


def sources(*endings, folders=PRODUCT):
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard",
         *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / n for n in sorted(set(names.stdout.split()))
            if n.endswith(endings) and (ROOT / n).exists()]


def code_of(path):
    """The text without comments and strings, line numbers kept."""
    text = path.read_text()
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text,
                  flags=re.S)


def where(path):
    return str(path.relative_to(ROOT))


def role_folders():
    return sorted(p.name for p in (ROOT / "workers").iterdir()
                  if (p / "main.c").exists())


def table_roles():
    text = (ROOT / "protocol/tables/workers.h").read_text()
    return sorted(re.findall(r"^\tW\((\w+),", text, re.M))


def allowed_includes(path):
    """Which roots a file may include: the arrows point down only."""
    parts = path.relative_to(ROOT).parts
    if parts[:2] == ("protocol", "base"):
        return ("protocol/base/",)
    if parts[0] == "protocol":
        return ("protocol/",)
    if parts[0] == "supervisor":
        return ("supervisor/", "protocol/")
    if parts[1] == "kit":
        return ("workers/kit/", "protocol/")
    if parts[1] == "worker_pool":
        return (f"workers/{parts[1]}/", "workers/kit/", "protocol/",
                "supervisor/engine/")
    return (f"workers/{parts[1]}/", "workers/kit/", "protocol/")


def test_every_arrow_points_down():
    wrong = []
    for path in sources(".c", ".h"):
        for target in INCLUDE.findall(path.read_text()):
            if (path.parent / target).exists() and "/" not in target:
                continue
            if not target.startswith(allowed_includes(path)):
                wrong.append(f"{where(path)} includes {target}")
    assert not wrong, "\n".join(wrong)


def test_the_supervisor_knows_no_nng_and_no_yaml():
    wrong = [where(p) for p in sources(".c", ".h", folders=["supervisor"])
             if "supervisor/cli" not in where(p) and
             re.search(r"#include <(nng|yaml|lmdb|msgpack)", p.read_text())]
    assert not wrong, wrong


def test_one_file_touches_each_borrowed_library():
    for library, homes in {
            "yaml.h": r"^protocol/settings_yaml\w*\.[ch]$",
            "msgpack": r"^protocol/pack\w*\.[ch]$"}.items():
        wrong = [where(p) for p in sources(".c", ".h")
                 if f"#include <{library}" in p.read_text()
                 and not re.match(homes, where(p))]
        assert not wrong, f"{library}: {wrong}"


def test_no_banned_call_outside_base():
    wrong = []
    for path in sources(".c", ".h"):
        if where(path).startswith("protocol/base/"):
            continue
        for number, line in enumerate(code_of(path).splitlines(), 1):
            if BANNED.search(line):
                wrong.append(f"{where(path)}:{number}: {line.strip()}")
    assert not wrong, "\n".join(wrong)


def test_no_file_is_longer_than_the_house_allows():
    wrong = [f"{where(p)}: {n} lines" for p in sources(".c", ".h")
             if (n := len(p.read_text().splitlines())) > LONGEST_FILE]
    assert not wrong, "\n".join(wrong)


def functions():
    """(path, name, lines) of every function, as ctags sees them."""
    paths = [str(p) for p in sources(".c")]
    tags = subprocess.run(
        ["ctags", "-f", "-", "--languages=C", "--kinds-C=f", "--fields=+ne",
         "--excmd=number", *paths], capture_output=True, text=True,
        check=True)
    for line in tags.stdout.splitlines():
        name, path, *_ = line.split("\t")
        first = re.search(r"\tline:(\d+)", line)
        last = re.search(r"\tend:(\d+)", line)
        if first and last:
            yield path, name, int(last[1]) - int(first[1]) + 1


def test_no_function_is_longer_than_the_house_allows():
    wrong = [f"{path}: {name} has {lines} lines"
             for path, name, lines in functions() if lines > LONGEST_FUNCTION]
    assert not wrong, "\n".join(wrong)


def test_every_source_opens_with_its_licence():
    wrong = [where(p) for p in sources(".c", ".h")
             if not p.read_text().startswith(
                 "// SPDX-License-Identifier: MIT\n")]
    assert not wrong, wrong


def test_every_header_says_what_it_is_whom_it_trusts_and_who_owns_what():
    wrong = []
    for path in sources(".h"):
        if "/tables/" in where(path):
            continue
        text = path.read_text()
        if not re.search(r"^/\*\n \* [\w/. ]+ - ", text, re.M):
            wrong.append(f"{where(path)}: no `name - what it is` comment")
        for word in ("Trust:", "Owner:"):
            if word not in text:
                wrong.append(f"{where(path)}: no {word}")
    assert not wrong, "\n".join(wrong)


def test_no_mark_of_unfinished_work():
    marks = []
    needswork = 0
    for path in sources(".c", ".h", ".py", ".js",
                        folders=[*PRODUCT, "test", "scripts"]):
        if path == pathlib.Path(__file__).resolve():
            continue
        text = path.read_text()
        needswork += text.count("NEEDSWORK:")
        marks += [f"{where(path)}: {m}" for m in
                  re.findall(r"\b(?:TODO|FIXME|XXX)\b[^\n]{0,40}", text)]
    assert not marks, "\n".join(marks)
    assert needswork <= MOST_NEEDSWORK


def test_every_role_has_a_row_and_every_row_a_role():
    assert role_folders() == table_roles()


def test_every_main_of_a_worker_is_wiring_only():
    wrong = [f"{role}: {n} lines" for role in role_folders()
             if (n := len((ROOT / "workers" / role / "main.c").read_text()
                          .splitlines())) > 40]
    assert not wrong, wrong


def test_who_hears_of_deaths_is_in_the_table_of_mourners():
    table = (ROOT / "protocol/tables/workers.h").read_text()
    told = set(re.findall(r"^\tM\((\w+)\)", table, re.M))
    listening = {role for role in role_folders() if ".on_sibling_died" in
                 (ROOT / "workers" / role / "main.c").read_text()}
    assert told and told == listening


def test_no_folder_hides_what_it_is_for():
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, text=True,
                           capture_output=True, check=True).stdout.split()
    folders = {part for n in names for part in pathlib.Path(n).parts[:-1]}
    assert not folders & {"misc", "util", "utils", "common", "helpers"}


def test_every_list_of_sources_has_one_file_a_line_in_order():
    wrong = []
    for path in sources("meson.build"):
        lines = path.read_text().splitlines()
        wrong += [f"{where(path)}: {line.strip()}" for line in lines
                  if len(re.findall(r"'[\w/]+\.c'", line)) > 1]
        named = [m and m[1] for m in
                 (re.match(r"  '([\w/]+\.c)',$", line) for line in lines)]
        wrong += [f"{where(path)}: {later} stands behind {earlier}"
                  for earlier, later in zip(named, named[1:])
                  if earlier and later and later <= earlier]
    assert not wrong, "\n".join(wrong)


def test_fork_is_called_in_one_file_only():
    homes = [where(p) for p in sources(".c")
             if re.search(r"\b(v?fork|clone3?)\s*\(", code_of(p))]
    assert homes in ([], ["supervisor/engine/spawn.c"]), homes


def test_each_command_is_named_once():
    text = (ROOT / "protocol/tables/commands.h").read_text()
    typed = re.findall(r'^\tC\(\w+, +\w+, +"([\w-]+)", +"([\w-]*)"', text,
                       re.M)
    twice = [k for k, n in collections.Counter(typed).items() if n > 1]
    assert typed and not twice, twice


def test_every_planted_fault_still_has_its_line():
    gone = []
    for path in sources(".txt", folders=["test/mutants"]):
        for file, line in re.findall(r"^file: (.+)\nfrom: (.+)$",
                                     path.read_text(), re.M):
            if line not in (ROOT / file).read_text():
                gone.append(f"{where(path)}: {file}: {line}")
    assert not gone, "\n".join(gone)


def test_every_script_opens_with_when_to_run_it():
    wrong = []
    for path in (ROOT / "scripts").iterdir():
        lines = path.read_text().splitlines()
        if len(lines) < 2 or not re.match(r"^(#|\"\"\"|//).{10,}", lines[1]):
            wrong.append(path.name)
    assert not wrong, wrong
