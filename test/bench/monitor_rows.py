"""What it costs to write `/metrics`."""
import json
import statistics
import subprocess
import time

import tree as trees
from monitor_client import get, place

SERIES = 10_000
SERIES_MS = 50
SCRAPES = 20
GATEWAYS = 16


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


ROWS = {"metrics_10k": metrics}
