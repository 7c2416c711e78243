"""The guide's hooks run as they are printed."""
import json
import pathlib
import re
import shlex

from tree import SETTINGS, Tree, until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GUIDE = (ROOT / "workers" / "gateway" / "README.md").read_text()
PART = GUIDE.split("## Hooks")[1].split("\n## ")[0]


def block(kind):
    found, = re.findall(rf"```{kind}\n(.*?)```", PART, re.S)
    return found


def test_the_guides_hooks_do_what_it_says(tmp_path):
    (tmp_path / "shop.py").write_text(block("python"))
    settings = block("yaml").replace("/srv/shop", str(tmp_path))
    # the first command spans lines: its quotes tell where it ends
    add, call = re.findall(r"^banyan .*?'$", block("sh"), re.S | re.M)
    with Tree(SETTINGS + settings, service=False) as tree:
        def run(line, *more):
            return tree.run_banyan(*shlex.split(line)[1:], *more)

        def ask(item):
            words = shlex.split(call)[1:-1]
            return tree.run_banyan(*words, json.dumps({"item": item}))

        assert run(add).returncode == 0
        until(lambda: run(call).returncode == 0, 20, "the call goes through")
        assert '{"euro":1.2}' in run(call).stdout.replace(" ", "")
        assert "Please ask for something else." in ask("pear").stderr
        assert "Please ask for something else." in ask("x" * 30).stderr
        before = sum(p["counters"].get("hooks_rejected", 0)
                     for p in tree.banyan("stats")["processes"])
        assert before == 1
