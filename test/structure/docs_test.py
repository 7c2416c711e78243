"""What is generated from the tables is up to date, and says the truth."""
import array
import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SETTINGS = ROOT / "build" / "protocol" / "settings"
TABLE = (ROOT / "protocol" / "tables" / "settings.h").read_text()
HEAD_BYTES = 32  # of the memory file: its number and sum are in there
TOP_KEYS = """node runtime_dir state_dir log supervisor workers gateway auth
    services nodes functions rate_limiter pools relay request arguments hooks
    security telemetry tracer monitoring prometheus health alerts history
    cluster discovery""".split()


def start_settings(path, *overrides):
    """Runs the settings program; gives (exit code, our socket, errors)."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def become_parent_descriptor():
        os.dup2(theirs.fileno(), 3)

    env = {k: v for k, v in os.environ.items() if not k.startswith("BANYAN_")}
    done = subprocess.run([str(SETTINGS), str(path), *overrides], env=env,
                          preexec_fn=become_parent_descriptor, pass_fds=(3,),
                          capture_output=True, text=True, timeout=10,
                          check=False)
    theirs.close()
    return done.returncode, ours, done.stderr


def read_settings(path, *overrides):
    """Gives (exit code, the memory file's bytes or b"", errors)."""
    code, ours, errors = start_settings(path, *overrides)
    memory = b""
    if code == 0:
        _, extra, _, _ = ours.recvmsg(4096, socket.CMSG_SPACE(4))
        fd = array.array("i", extra[0][2][:4])[0]
        memory = os.pread(fd, 1 << 24, 0)
        os.close(fd)
    ours.close()
    return code, memory, errors


def top_keys_of(path):
    return re.findall(r"^(\w+):", path.read_text(), re.M)


def test_generated_files_are_up_to_date():
    done = subprocess.run([str(ROOT / "scripts" / "gen-docs"), "--check"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + "; run scripts/gen-docs"


def test_the_full_file_changes_nothing(tmp_path):
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    code, full, errors = read_settings(ROOT / "etc" / "banyan.full.yaml")
    assert code == 0, errors
    code, nothing, errors = read_settings(empty)
    assert code == 0, errors
    assert full[HEAD_BYTES:] == nothing[HEAD_BYTES:]


def test_the_full_file_has_every_top_level_key_and_no_other():
    keys = top_keys_of(ROOT / "etc" / "banyan.full.yaml")
    assert sorted(keys) == sorted(TOP_KEYS)


def test_the_demo_file_is_accepted():
    code, memory, errors = read_settings(ROOT / "etc" / "banyan.yaml")
    assert code == 0, errors
    assert memory


def test_the_command_line_beats_the_file():
    demo = ROOT / "etc" / "banyan.yaml"
    _, plain, _ = read_settings(demo)
    code, other, errors = read_settings(demo, "gateway.port=0")
    assert code == 0, errors
    assert other[HEAD_BYTES:] != plain[HEAD_BYTES:]


def test_a_wrong_file_ends_with_78_and_its_place(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("gateway:\n  prot: 1\n")
    code, _, errors = read_settings(wrong)
    assert code == 78
    assert errors == (f"{wrong}:2:3: gateway.prot: unknown key;"
                      " did you mean \"port\"?\n")


def test_the_parent_hears_what_is_wrong_in_one_line(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("gateway:\n  prot: 1\nnope: 2\n")
    code, ours, _ = start_settings(wrong)
    record = ours.recv(4096)
    ours.close()
    assert code == 78
    text = record[32:].split(b"\0")[0].decode()
    assert text == (f"{wrong}:2:3: gateway.prot: unknown key;"
                    " did you mean \"port\"? (and 1 more)")


def asked_for():
    """Names of settings in the code, those a macro pastes together too."""
    names = set()
    for listed in subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "--",
             "supervisor/*.[ch]", "workers/*.[ch]", "protocol/*.c"],
            cwd=ROOT, capture_output=True, text=True,
            check=True).stdout.split():
        path = ROOT / listed
        text = path.read_text() if path.exists() else ""
        names |= set(re.findall(r"\b((?:SETTING|WORKER)_[a-z]\w+)\b", text))
        for prefix in re.findall(r"\b((?:SETTING|WORKER)_\w*)##", text):
            names |= {prefix + word for word in re.findall(r"\b\w+\b", text)}
    return names


def test_every_setting_is_asked_for_by_somebody():
    sources = asked_for()
    unused = []
    for section, key, rest in re.findall(r"^\tS\((\w+), (\w+), (.*)$",
                                         TABLE, re.M):
        if re.search(r'"\w+(\|!\w+)+"', rest):
            continue  # one word is built: there is nothing to ask yet
        name = key if section == "top" else f"{section}_{key}"
        if f"SETTING_{name}" not in sources:
            unused.append(name)
    for key in re.findall(r"^\tP\((\w+), ", TABLE, re.M):
        if f"WORKER_{key}" not in sources:
            unused.append(f"workers.*.{key}")
    assert not unused, f"nobody reads: {' '.join(unused)}"


def command_rows():
    text = (ROOT / "protocol" / "tables" / "commands.h").read_text()
    return re.findall(
        r'^\tC\(\w+, *\w+, *"([^"]*)", *"([^"]*)", *\w+, *"([^"]*)"', text,
        re.M)


COMMON = {"--json", "--watch", "--timeout", "--runtime-dir", "--no-color",
          "--help"}
EVERY_OPTION = {option for _, _, arguments in command_rows() for option in
                re.findall(r"--[a-z-]+", arguments)} - COMMON


def test_completion_knows_every_noun_verb_and_option():
    banyan = ROOT / "build" / "supervisor" / "cli" / "banyan"
    assert len(command_rows()) > 100
    for shell, words in (("bash", r'words="([^"]*)"'),
                         ("zsh", r"compadd -- (.*)")):
        said = subprocess.run([banyan, "completion", shell], text=True,
                              capture_output=True, check=True).stdout
        first = said.split("case ")[0].replace('"', " ").split()

        def after(pattern, said=said, words=words):
            return set(re.search(rf"^ +{pattern}\) {words} ;;", said,
                                 re.M)[1].split())
        for noun, verb, arguments in command_rows():
            options = set(re.findall(r"--[a-z-]+", arguments))
            assert noun in first, (shell, noun)
            if verb:
                assert verb in after(noun), (shell, noun, verb)
                # the options of this verb, and of no other
                assert options - COMMON == after(
                    f'"{noun} {verb}"') & EVERY_OPTION, \
                    (shell, noun, verb)
            else:
                assert options <= after(noun), (shell, noun)
                assert options <= after(f'"{noun} "\\*'), (shell, noun)
        if shutil.which(shell):
            checked = subprocess.run([shell, "-n"], input=said, text=True,
                                     capture_output=True, check=False)
            assert checked.returncode == 0 and not checked.stderr


@pytest.mark.parametrize("page", ["banyan.1", "banyand.8"])
def test_a_man_page_is_whole_and_without_a_fault(page):
    path = ROOT / "man" / page
    assert path.read_text().startswith(".\\\" Generated by scripts/gen-docs")
    programs = [["groff", "-man", "-Tutf8", "-ww", "-z"],
                ["mandoc", "-T", "lint", "-W", "error"]]
    for program in programs:
        if shutil.which(program[0]):
            done = subprocess.run([*program, path], text=True,
                                  capture_output=True, check=False)
            assert done.returncode == 0 and not done.stderr, done.stderr
    if shutil.which("man"):
        shown = subprocess.run(
            ["man", "-l", path], text=True, capture_output=True, check=True,
            env={**os.environ, "MANPAGER": "cat", "PAGER": "cat",
                 "MANWIDTH": "200", "LC_ALL": "C.UTF-8"}).stdout
        shown = re.sub(".\b", "", shown)
        names = [" ".join(p for p in row[:2] if p) for row in command_rows()] \
            if page == "banyan.1" else re.findall(r"^\tS\(\w+, *(\w+)", TABLE,
                                                  re.M)
        assert not [n for n in names if n not in shown]
