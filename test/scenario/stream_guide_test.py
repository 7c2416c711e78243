"""The guide's example of a stream, run by the stock client as it is printed."""
import pathlib
import re
import subprocess

import pytest

from phoenix_client import stock_client_is_here
from tree import ROOT, Tree, until

GUIDE = (ROOT / "workers" / "gateway" / "README.md").read_text()
PROGRAM = """\
const path = require("path")
const modules = process.argv[1]
const {{Socket}} = require(path.join(modules, "phoenix"))
const WebSocket = require(path.join(modules, "ws"))
const socket = new Socket(process.argv[2], {{transport: WebSocket}})
const done = (text) => {{ console.log(text); process.exit(0) }}
socket.connect()
const channel = socket.channel("api:lobby")
{example}"""


@pytest.mark.skipif(not stock_client_is_here(),
                    reason="npm packages phoenix and ws")
def test_the_guides_stream_is_read_and_stopped():
    example, = re.findall(r"```js\n(.*?)```", GUIDE, re.S)
    with Tree() as tree:
        until(lambda: tree.call("user_service", "get_user",
                                {"user_id": "u42"})[0] == 0, 10,
              "the service is known")
        done = subprocess.run(
            ["node", "-e", PROGRAM.format(example=example),
             str(pathlib.Path(ROOT) / "test" / "node_modules"),
             tree.endpoints()["gateway"].split("/websocket")[0]],
            capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        parts = re.fullmatch(r"(\d+) parts\n", done.stdout)
        assert parts and 5 <= int(parts[1]) < 100000000, done.stdout
