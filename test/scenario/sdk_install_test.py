"""What is installed is enough: the examples of the two headers, built outside."""
import os
import pathlib
import re
import shlex
import subprocess

import pytest
from gateway_peer import END, Gateway
from pool_peer import Runner
from tree import STAGE, running

CHECK = STAGE / "libexec" / "banyan" / "native_runner"


def example(header):
    """The first commented listing of an installed header, as it stands."""
    text = (STAGE / "include" / "banyan" / header).read_text()
    comment = text[text.index("/*"):text.index("*/")]
    lines = [re.sub(r"^ \*\t?", "", line) for line in comment.splitlines()]
    return "\n".join(lines)


def listing(header, first, last):
    text = example(header)
    start = text.index(first)
    return text[start:text.index(last, start) + len(last)] + "\n"


def flags(package, *what):
    return shlex.split(subprocess.run(
        ["pkg-config", *what, package], check=True, capture_output=True,
        text=True, env={**os.environ, "PKG_CONFIG_PATH":
                        str(STAGE / "lib" / "pkgconfig")}).stdout)


def build(folder, name, source, *arguments):
    folder.joinpath(f"{name}.c").write_text(source)
    command = ["cc", "-std=c11", "-Wall", "-Werror", f"{name}.c",
               *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr


HANDLERS = "".join([
    listing("service.h", "static void\ngreet", "service_done(call);\n}"),
    listing("service.h", "static void\ngo_on", "service_chunk(call);\n\t}\n}"),
])
TABLE = """
static const struct service_argument text[] = {
    {.name = "name", .type = "string"}, {NULL}};
"""


def test_the_service_of_the_header_serves(tmp_path):
    source = "#include <service.h>\n" + HANDLERS + TABLE + """
static const struct service_function functions[] = {
    {.name = "greet", .run = greet, .arguments = text},
    {.name = "go_on", .run = go_on, .response = "stream", .on_room = go_on,
	.on_cancel = service_give_up},
    {NULL},
};

int
main(int argc, char **argv)
{
	struct service *s = service_create("greetings");

	if (argc != 2 || !service_add_all(s, functions) ||
	    !service_listen(s, argv[1]))
		return 64;
	int status = service_run(s);
	service_destroy(&s);
	return status;
}
"""
    build(tmp_path, "greetings", source, "-o", "greetings",
          *flags("banyan-service", "--cflags", "--libs"))
    url = f"ipc://{tmp_path}/s"
    with running([tmp_path / "greetings", url]) as process, \
            Gateway(url) as gateway:
        assert gateway.answer(gateway.call("greet", ["Eve"]))[-1][2] == "Eve"
        frames = gateway.answer(gateway.call("go_on", credit=1 << 29))
        assert len(frames) == 1_000_001 and frames[-1][0] == END
        process.terminate()
        assert process.wait(timeout=10) == 0


@pytest.fixture(name="plugin")
def a_plugin(tmp_path):
    """The plug-in of plugin.h, with the handlers of service.h."""
    folder = tmp_path / "plugins"
    folder.mkdir(mode=0o755)
    source = "#include <plugin.h>\n" + HANDLERS.replace(
        "static void\ngo_on", "static inline void\ngo_on") + TABLE + listing(
            "plugin.h", "static const struct service_function", "};\n") + \
        listing("plugin.h", "const struct service_plugin", "};")
    build(folder, "greetings", source, "-shared", "-fPIC",
          *flags("banyan-plugin", "--cflags"), "-o", "greetings.so")
    (folder / "greetings.so").chmod(0o755)
    return folder / "greetings.so"


def test_the_plug_in_of_the_header_runs(plugin):
    done = subprocess.run([CHECK, "--check", plugin], capture_output=True,
                          text=True, check=False)
    assert (done.returncode, done.stdout) == (
        0, "greetings.greet(name: string) sync\n"), done.stderr
    with Runner([CHECK, plugin], module="greetings") as runner:
        assert runner.result("greet", ["Eve"]) == "Eve"


def test_the_installed_demo_plug_in_is_accepted():
    plugin = pathlib.Path(STAGE / "lib" / "banyan" / "plugins")
    done = subprocess.run([CHECK, "--check", plugin / "user_plugin.so"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "users.get_user" in done.stdout, \
        done.stderr
