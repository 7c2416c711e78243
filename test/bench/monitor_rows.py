"""What it costs to be watched: scrapes, and calls while many look."""
import json
import os
import statistics
import subprocess
import threading
import time

import tree as trees
from control_wire import Control
from monitor_client import get, place

SERIES = 10_000
SERIES_MS = 50
SCRAPES = 20
GATEWAYS = 16
SCRAPES_A_SECOND = 10
READERS = 100
P99_MOVES = 1.05
ROUNDS = 5


def series_in(text):
    return sum(1 for line in text.splitlines() if line[:1] != "#")


def scrapes(where):
    """Milliseconds of each scrape; far enough apart to be written anew."""
    took, count = [], 0
    for _ in range(SCRAPES):
        began = time.perf_counter()
        answer = get(where, "/metrics")
        took.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"no metrics: {answer.text[:200]}")
        count = series_in(answer.text)
        time.sleep(0.1)
    return took, count


def metrics(bench, name):
    """10 000 series by the writer alone; and a scrape of many gateways."""
    done = subprocess.run([str(bench.programs / "exposition_cost"),
                           str(SERIES)], capture_output=True, text=True,
                          timeout=60, check=True)
    written = json.loads(done.stdout)
    tree = trees.Tree(trees.SETTINGS +
                      f"workers: {{gateway: {{instances: {GATEWAYS}}}}}\n",
                      service=False)
    try:
        tree.until_whole()
        took, count = scrapes(place(tree))
    finally:
        tree.close(check=False)
    scrape_ms = statistics.median(took)
    as_many_ms = scrape_ms * SERIES / count
    return {"name": name, "series": written["series"],
            "write_ms": round(written["p50_us"] / 1000, 2),
            "scraped_series": count, "scrape_ms": round(scrape_ms, 2),
            "scrape_10k_ms": round(as_many_ms, 2),
            "holds": written["p50_us"] / 1000 <= SERIES_MS and
            as_many_ms <= SERIES_MS}


def cpu_s(pid):
    """Seconds of processor a process has had."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watchers:
    """Ten scrapes a second, and a hundred who read traces once a second."""

    def __init__(self, tree):
        self.tree = tree
        self.is_over = threading.Event()
        self.scrapes = self.reads = self.failed = 0
        self.pids = [tree.pid("monitor"), tree.pid("control")]
        self.cpu = self.own_cpu = self.began = 0
        self.readers = [Control(tree.run / "control.ipc")
                        for _ in range(READERS)]
        self.threads = [threading.Thread(target=self.scrape),
                        threading.Thread(target=self.read)]

    def __enter__(self):
        self.began = time.monotonic()
        self.cpu = -sum(map(cpu_s, self.pids))
        self.own_cpu = -time.process_time()
        for thread in self.threads:
            thread.start()
        return self

    def percent(self):
        """(of the tree's monitor and control, of ours), of one processor."""
        return (100 * self.cpu / self.began, 100 * self.own_cpu / self.began)

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join(30)
        self.began = time.monotonic() - self.began
        self.cpu += sum(map(cpu_s, self.pids))
        self.own_cpu += time.process_time()
        for reader in self.readers:
            reader.close()

    def scrape(self):
        where = place(self.tree)
        while not self.is_over.wait(1 / SCRAPES_A_SECOND):
            if get(where, "/metrics").status == 200:
                self.scrapes += 1
            else:
                self.failed += 1

    def read(self):
        n = 0
        while not self.is_over.wait(1 / READERS):
            reader = self.readers[n % READERS]
            reply = json.loads(reader.ask(b'{"op":"trace.tail"}'))
            if reply["ok"] is True:
                self.reads += 1
            else:
                self.failed += 1
            n += 1


def scraped(bench, name):
    """The same calls unwatched and watched by turns; the middle pair counts.

    The watchers are programs of this machine, too: what they take of its
    processors is in the row.
    """
    seconds = 1.5 if bench.quick else 4
    row, moves = {"name": name}, []
    scrape_count = read_count = failed = 0
    watched, watching = [], []
    for _ in range(3 if bench.quick else ROUNDS):
        alone = bench.load_gateway(64, 16, warmup_ms=200, seconds=seconds)
        with Watchers(bench.tree) as watchers:
            seen = bench.load_gateway(64, 16, warmup_ms=200, seconds=seconds)
        scrape_count += watchers.scrapes
        read_count += watchers.reads
        failed += watchers.failed
        percents = watchers.percent()
        watched.append(percents[0])
        watching.append(percents[1])
        for result in (alone, seen):
            for key in ("unanswered", "answered_twice", "wrong", "errors"):
                row[key] = row.get(key, 0) + result[key]
        moves.append((seen["p99_us"] / alone["p99_us"], alone, seen))
    moves.sort(key=lambda move: move[0])
    ratio, alone, seen = moves[len(moves) // 2]
    row.update({
        "p99_ratio": round(ratio, 3),
        "rate_ratio": round(seen["calls_per_s"] / alone["calls_per_s"], 3),
        "p99_us": seen["p99_us"], "alone_p99_us": alone["p99_us"],
        "calls_per_s": seen["calls_per_s"], "scrapes": scrape_count,
        "reads": read_count, "watch_failed": failed,
        "monitor_cpu_percent": round(statistics.median(watched), 1),
        "watchers_cpu_percent": round(statistics.median(watching), 1)})
    row["holds"] = ratio <= P99_MOVES and failed == 0 and \
        row["errors"] == row["wrong"] == 0
    return row


ROWS = {"metrics_10k": metrics, "sync_64x16_scraped": scraped}
