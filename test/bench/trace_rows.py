"""What tracing one user costs the many others."""
import concurrent.futures
import pathlib
import statistics
import tempfile

import tree as trees
from tokens import Key, write_keys

LOSES = 0.98
ROUNDS = 5
SETTINGS = """\
node: bench
gateway:
  port: 0
  channels:
    - {{topic: "api:*", event: api}}
auth: {{mode: jwt, jwt_keys: {keys}}}
monitoring: {{port: 0}}
security: {{admin_actions: [enable_tracing, disable_tracing]}}
nodes:
  - {{name: user_service_1, url: "ipc://${{runtime_dir}}/services/user_service.ipc"}}
services:
  - {{service: user_service, nodes: [user_service_1]}}
"""


def load(bench, tree, key, seconds):
    """63 connections of one user and one of another, at the same time."""
    def run(user, connections):
        url = tree.endpoints()["gateway"] + f"?token={key.sign(sub=user)}"
        return bench.load(connections, 16, url=url, warmup_ms=200,
                          seconds=seconds, expect='"name":"Alice"',
                          cpu=[f"gateway={tree.pid('gateway')}"])
    with concurrent.futures.ThreadPoolExecutor(2) as two:
        many = two.submit(run, "many", 63)
        one = two.submit(run, "one", 1)
        return many.result(), one.result()


def traced(bench, name):
    """The same calls untraced and with one user traced, by turns; the middle
    pair counts."""
    seconds = 1.5 if bench.quick else 4
    key = Key("k1")
    row, ratios, records = {"name": name}, [], 0
    cpu = {None: [], "one": []}
    with tempfile.TemporaryDirectory(prefix="banyan-bench.") as home:
        keys = pathlib.Path(home) / "keys.json"
        write_keys(keys, key)
        tree = trees.Tree(SETTINGS.format(keys=keys))
        try:
            tree.until_whole()
            for _ in range(3 if bench.quick else ROUNDS):
                rates = []
                for user in (None, "one"):
                    if user is not None:
                        tree.banyan("trace", "start", "--user", user)
                    results = load(bench, tree, key, seconds)
                    tree.banyan("trace", "stop", "all")
                    rates.append(sum(r["calls_per_s"] for r in results))
                    cpu[user].append(results[0]["cpu_us"]["gateway"])
                    for result in results:
                        for word in ("unanswered", "answered_twice", "wrong",
                                     "errors"):
                            row[word] = row.get(word, 0) + result[word]
                ratios.append((rates[1] / rates[0], rates))
            records = tree.banyan("trace", "status")["records"]
        finally:
            tree.close(check=False)
    ratios.sort()
    ratio, rates = ratios[len(ratios) // 2]
    row.update({"rate_ratio": round(ratio, 3),
                "calls_per_s": round(rates[1]),
                "untraced_calls_per_s": round(rates[0]),
                "spread": [round(r, 3) for r, _ in ratios],
                "gateway_cpu_us": statistics.median(cpu["one"]),
                "untraced_cpu_us": statistics.median(cpu[None]),
                "records": records})
    row["holds"] = ratio >= LOSES and records > 0 and \
        row["errors"] == row["wrong"] == 0
    return row


ROWS = {"sync_64x16_traced": traced}
