"""What is measured, row by row; each gives a dict for the report."""
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "test" / "scenario"))
import health_rows  # noqa: E402
import inspect_rows  # noqa: E402
import lives_rows  # noqa: E402
import local_rows  # noqa: E402
import monitor_rows  # noqa: E402
import observed_rows  # noqa: E402
import tokens  # noqa: E402
import tree as trees  # noqa: E402
from lives_rows import quantile  # noqa: E402

# A death is forgiven at once, so that each restart measured is a first one,
# without the pause that repeated deaths earn.
SETTINGS = trees.SETTINGS + """\
supervisor: {healthy_after_ms: 1, restarts: 1000, starts_per_second: 0, starts_per_minute: 0}
"""
LEDGER = ("unanswered", "answered_twice", "unreplied", "wrong", "foreign",
          "disordered")


def pss_kb(pid):
    """Proportional set size: shared pages are counted once in all."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in text.splitlines()
               if line.startswith("Pss:"))


class Bench:
    """The programs, the tree under test and how long to measure."""

    def __init__(self, programs, quick):
        self.programs = pathlib.Path(programs)
        self.quick = quick
        self.tree = None
        self.echo = None
        self.echo_port = 0

    # --- the two servers ---

    def start_echo(self):
        self.echo = subprocess.Popen([str(self.programs / "echo_yardstick")],
                                     stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        self.echo_port = int(self.echo.stdout.readline())

    def start_tree(self):
        self.tree = trees.Tree(SETTINGS)
        self.tree.until_linked()

    def close(self):
        if self.echo:
            self.echo.stdin.close()
            self.echo.wait(5)
        if self.tree:
            self.tree.close(check=False)

    def url(self):
        return self.tree.endpoints()["gateway"]

    # --- the generator ---

    def load_words(self, connections, pipeline, **options):
        words = [str(self.programs / "load"), "--connections",
                 str(connections), "--pipeline", str(pipeline)]
        for name, value in options.items():
            name = name.replace("_", "-")
            values = value if isinstance(value, list) else [value]
            for one in values:
                words += [f"--{name}"] if one is True else \
                    [f"--{name}", str(one)]
        return words

    def load(self, *shape, **options):
        done = subprocess.run(self.load_words(*shape, **options),
                              capture_output=True, text=True, timeout=120,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(f"load: {done.stderr.strip()}")
        return trees.json.loads(done.stdout)

    def load_gateway(self, *shape, **options):
        cpus = [f"service={self.tree.services[0].pid}",
                f"gateway={self.tree.pid('gateway')}"]
        if options.get("kind") != "stream":
            options.setdefault("expect", '"name":"Alice"')
        return self.load(*shape, url=self.url(), cpu=cpus, **options)

    def add_function(self, function):
        done = self.tree.run_banyan("functions", "add",
                                    trees.json.dumps(function))
        if done.returncode != 0:
            raise RuntimeError(f"functions add: {done.stderr.strip()}")

    def load_echo(self, *shape, **options):
        return self.load(*shape, echo=True,
                         url=f"ws://127.0.0.1:{self.echo_port}/socket",
                         **options)


def ledger_of(result, row):
    """Copies the ledger's figures; a broken one is the run's exit code."""
    for name in LEDGER:
        row[name] = row.get(name, 0) + result[name]
    for name in ("errors", "lost", "timeouts"):
        row[name] = row.get(name, 0) + result[name]
    return row


# What a sync row must hold: (calls/s, gateway CPU us, share of the echo's
# calls/s) or (p50 us, p99 us, times the echo's p50); see design.md section 8.
SYNC = {
    "sync_64x16": (64, 16, {"calls": 400_000, "cpu": 1.6, "ratio": 0.17}),
    "sync_64x1": (64, 1, {"calls": 90_000, "cpu": None, "ratio": 0.45}),
    "sync_1x1": (1, 1, {"p50": 60, "p99": 250, "times": 4}),
}


def sync_holds(row, wanted):
    if "p50" in wanted:
        return (row["p50_us"] <= wanted["p50"] and
                row["p99_us"] <= wanted["p99"]) or \
            row["p50_us"] <= wanted["times"] * row["echo_p50_us"]
    fast = row["calls_per_s"] >= wanted["calls"] and \
        (wanted["cpu"] is None or row["gateway_cpu_us"] <= wanted["cpu"])
    return fast or row["echo_ratio"] >= wanted["ratio"]


def sync(bench, name):
    """The gateway and the echo by turns, the middle of the rounds."""
    connections, pipeline, wanted = SYNC[name]
    seconds = 1.5 if bench.quick else 4
    row, rounds, echoes = {"name": name}, [], []
    for _ in range(3):
        echoes.append(bench.load_echo(connections, pipeline, warmup_ms=200,
                                      seconds=seconds / 2))
        rounds.append(bench.load_gateway(connections, pipeline, warmup_ms=300,
                                         seconds=seconds))
        ledger_of(rounds[-1], row)
    rounds.sort(key=lambda r: r["calls_per_s"])
    middle, echo = rounds[1], statistics.median(
        e["calls_per_s"] for e in echoes)
    row.update({
        "calls_per_s": middle["calls_per_s"],
        "gateway_cpu_us": middle["cpu_us"]["gateway"],
        "service_cpu_us": middle["cpu_us"]["service"],
        "p50_us": middle["p50_us"], "p99_us": middle["p99_us"],
        "p999_us": middle["p999_us"], "echo_per_s": echo,
        "echo_ratio": round(middle["calls_per_s"] / echo, 3),
        "echo_p50_us": statistics.median(e["p50_us"] for e in echoes)})
    # refusals are answered faster than calls: they must not count as speed
    row["holds"] = row["errors"] == row["wrong"] == 0 and \
        sync_holds(row, wanted)
    return row


# The same function as `get_user`, answered later.
LATER = {"service": "user_service", "request_type": "get_user_later",
         "nodes": ["user_service_1"], "response_type": "async",
         "mfa": {"module": "user_service", "function": "get_user"},
         "arg_types": {"user_id": "string"}}


# (calls or parts a second, the same as a share of the echo's)
MODES = {"async_64x16": (250_000, 0.11), "stream_64": (300_000, 0.13)}


def modes(bench, name):
    """Calls answered later, and streams of numbers, by turns with the echo:
    the middle of three rounds. A stream's work is told by its parts."""
    is_stream = name.startswith("stream")
    how = {"kind": "stream", "function": "count", "args": '{"items":10000}'} \
        if is_stream else {"kind": "async", "function": "get_user_later",
                           "expect": '"name":"Alice"'}
    if not is_stream:
        bench.add_function(LATER)
    seconds = 1.5 if bench.quick else 4
    row, rounds, echoes = {"name": name}, [], []
    for _ in range(3):
        echoes.append(bench.load_echo(64, 16, warmup_ms=200,
                                      seconds=seconds / 2)["calls_per_s"])
        rounds.append(bench.load_gateway(64, 1 if is_stream else 16,
                                         warmup_ms=300, seconds=seconds,
                                         **how))
        ledger_of(rounds[-1], row)
    rate = "chunks_per_s" if is_stream else "calls_per_s"
    middle = sorted(rounds, key=lambda r: r[rate])[1]
    row.update({rate: middle[rate],
                "gateway_cpu_us": middle["cpu_us"]["gateway"],
                "service_cpu_us": middle["cpu_us"]["service"]})
    if not is_stream:
        row.update({"p50_us": middle["p50_us"], "p99_us": middle["p99_us"]})
    row["echo_per_s"] = statistics.median(echoes)
    row["echo_ratio"] = round(middle[rate] / row["echo_per_s"], 3)
    row["holds"] = row["errors"] == row["wrong"] == row["disordered"] == 0 \
        and (row[rate] >= MODES[name][0] or
             row["echo_ratio"] >= MODES[name][1])
    return row


# What a guarded call goes through: a role of a verified session, a limit that
# is kept but not reached, declared arguments.
GUARDED = {"service": "user_service", "request_type": "get_user_guarded",
           "nodes": ["user_service_1"],
           "mfa": {"module": "user_service", "function": "get_user"},
           "arg_types": {"user_id": "string"}, "idempotent": True,
           "check_permission": {"role": ["admin", "caller"]}}
GUARDED_SETTINGS = SETTINGS.replace(
    "auth: {mode: none}", "auth: {mode: jwt, jwt_keys: KEYS}") + """\
rate_limiter:
  api_limits:
    - {service: user_service, request_type: get_user_guarded, key: user_id, max_requests: 8000000, window_ms: 1000}
"""
GUARDED_SHARE = 0.9


def guarded_holds(row):
    return row["errors"] == row["wrong"] == 0 and \
        row["plain_share"] >= GUARDED_SHARE


def guarded(bench, name):
    """Guarded calls on a tree of their own, by turns with plain ones on the
    bench's: the middle of the shares of neighbouring rounds counts."""
    key = tokens.Key("bench")
    keys = bench.tree.home / "keys.json"
    tokens.write_keys(keys, key)
    seconds = 1.5 if bench.quick else 4
    row, rounds, shares, costs = {"name": name}, [], [], []
    with trees.Tree(GUARDED_SETTINGS.replace("KEYS", str(keys))) as tree:
        tree.until_linked()
        done = tree.run_banyan("functions", "add", trees.json.dumps(GUARDED))
        if done.returncode != 0:
            raise RuntimeError(f"functions add: {done.stderr.strip()}")
        url = tree.endpoints()["gateway"] + "?token=" + \
            key.sign(roles=["viewer", "caller"])
        for _ in range(3 if bench.quick else 5):
            plain = bench.load_gateway(64, 16, warmup_ms=300, seconds=seconds)
            rounds.append(bench.load(
                64, 16, warmup_ms=300, seconds=seconds, url=url,
                function="get_user_guarded", expect='"name":"Alice"',
                cpu=[f"service={tree.services[0].pid}",
                     f"gateway={tree.pid('gateway')}"]))
            shares.append(rounds[-1]["calls_per_s"] / plain["calls_per_s"])
            costs.append(plain["cpu_us"]["gateway"])
            ledger_of(rounds[-1], row)
    middle = sorted(rounds, key=lambda r: r["calls_per_s"])[len(rounds) // 2]
    row.update({"calls_per_s": middle["calls_per_s"],
                "gateway_cpu_us": middle["cpu_us"]["gateway"],
                "plain_cpu_us": statistics.median(costs),
                "p50_us": middle["p50_us"], "p99_us": middle["p99_us"],
                "plain_share": round(statistics.median(shares), 3)})
    row["holds"] = guarded_holds(row)
    return row


def reload(bench, name):
    """Reloads while 64 clients call: nothing is lost, no socket closes."""
    times = 5 if bench.quick else 25
    words = bench.load_words(64, 4, url=bench.url(), seconds=60)
    load = subprocess.Popen(words, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
    load.stderr.readline()  # "joined 64"
    took = []
    for i in range(times):
        level = "warn" if i % 2 == 0 else "info"
        bench.tree.rewrite(SETTINGS + f"log: {{level: {level}}}\n")
        began = time.monotonic()
        done = bench.tree.run_banyan("reload")
        took.append((time.monotonic() - began) * 1000)
        time.sleep(0.1)  # so that clients call between two reloads
        if done.returncode != 0:
            load.kill()
            raise RuntimeError(f"reload: {done.stdout}{done.stderr}")
    load.send_signal(signal.SIGTERM)
    result = trees.json.loads(load.communicate(timeout=30)[0])
    row = ledger_of(result, {"name": name, "reloads": times,
                             "p50_ms": round(quantile(took, 0.5), 1),
                             "worst_ms": round(max(took), 1),
                             "calls": result["calls"],
                             "sockets_closed": result["reconnects"]})
    row["holds"] = row["sockets_closed"] == 0 and row["lost"] == 0 and \
        row["unanswered"] == 0
    return row


class Idlers:
    """Clients that join and then do nothing, until the block is left."""

    def __init__(self, bench, count):
        self.load = subprocess.Popen(
            bench.load_words(count, 1, url=bench.url(), idle=True),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        line = self.load.stderr.readline()
        if not line.startswith("joined"):
            raise RuntimeError(line.strip())
        return self

    def __exit__(self, *_):
        self.load.communicate("", timeout=30)


def idle_memory(bench, name):
    """What a joined client costs the gateway that does nothing with it: the
    growth from many clients to many more, so that what the allocator keeps
    for later is used up before."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    count = 800 if bench.quick else 4000
    pid = bench.tree.pid("gateway")
    with Idlers(bench, 1000):
        before = pss_kb(pid)
        with Idlers(bench, count):
            after = pss_kb(pid)
    each = (after - before) * 1024 / count
    return {"name": name, "clients": count, "bytes_per_client": round(each),
            "holds": 0 < each <= 4096}


def relay(bench, name):
    """One member of a group of 1000 speaks, four messages at a time; each
    must be heard by all, once and in order."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    port = bench.url().split(":")[2].split("/")[0]
    words = [str(bench.programs / "relay_load"), "--port", port,
             "--members", "1000", "--window", "4", "--seconds",
             "2" if bench.quick else "4"]
    for role in ("gateway", "relay"):
        words += ["--cpu", f"{role}={bench.tree.pid(role)}"]
    rounds = []
    for _ in range(3):
        done = subprocess.run(words, capture_output=True, text=True,
                              timeout=120, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"relay_load: {done.stderr.strip()}")
        rounds.append(trees.json.loads(done.stdout))
        bench.tree.run_banyan("groups", "delete", "bench")
    rounds.sort(key=lambda r: r["deliveries_per_s"])
    middle = rounds[1]
    return {"name": name, **{key: middle[key] for key in (
                "members", "deliveries_per_s", "messages_per_s", "p50_us",
                "p99_us", "p999_us")},
            "gateway_cpu_us": middle["cpu_us"]["gateway"],
            "relay_cpu_us": middle["cpu_us"]["relay"],
            "unanswered": sum(max(r["missing"], 0) for r in rounds),
            "answered_twice": sum(max(-r["missing"], 0) for r in rounds),
            "disordered": sum(r["disordered"] for r in rounds),
            "errors": sum(r["refused"] + r["gone"] for r in rounds),
            "holds": middle["deliveries_per_s"] >= 200_000 and
            middle["p99_us"] <= 20_000}


def tree_memory(bench, name):
    pids = [bench.tree.daemon.pid, *trees.descendants(bench.tree.daemon.pid)]
    total = sum(pss_kb(pid) for pid in pids)
    return {"name": name, "processes": len(pids),
            "pss_mb": round(total / 1024, 1), "holds": total <= 60 * 1024}


# A token above its bare signature, and the same token again, in us.
JWT_OVER_US = 30
JWT_AGAIN_US = 3


def jwt(bench, name):
    """What a token costs beside its signature, for each algorithm."""
    done = subprocess.run([str(bench.programs / "jwt_cost")],
                          capture_output=True, text=True, timeout=120,
                          check=True)
    costs = trees.json.loads(done.stdout)
    over = max(c["verify_us"] - c["bare_us"] for c in costs.values())
    again = max(c["again_us"] for c in costs.values())
    return {"name": name, "over_us": round(over, 2), "again_us": again,
            "algorithms": costs,
            "holds": over <= JWT_OVER_US and again <= JWT_AGAIN_US}


ROWS = {**{name: sync for name in SYNC}, **{name: modes for name in MODES},
        "sync_64x16_guarded": guarded,
        "relay_1000": relay,
        **local_rows.ROWS,
        **health_rows.ROWS,
        **inspect_rows.ROWS,
        **monitor_rows.ROWS,
        **observed_rows.ROWS,
        "jwt": jwt,
        "tree_memory": tree_memory,
        "idle_memory": idle_memory, "reload": reload,
        **lives_rows.ROWS}
