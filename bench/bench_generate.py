"""Seconds and peak memory of generating the demo's world, beside NumPy writing as many random rows.

Run: python bench/bench_generate.py [--days 90]. Each part runs in a process of its own. The baseline draws the same
number of usage rows and columns at random and writes them as one Parquet file: what no generator can do without.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

ROOT = Path(__file__).parents[1]
READY_WITHIN_S = 120
BASELINE = """
import sys, numpy as np, pyarrow as pa, pyarrow.parquet as pq
rng = np.random.default_rng(7)
columns = {f"c{n}": rng.integers(0, 10**7, int(sys.argv[1])) for n in range(10)}
pq.write_table(pa.table(columns), sys.argv[2])
"""


def measured(command):
    """Wall seconds and peak resident megabytes of one command."""
    start = time.perf_counter()
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def served(home):
    """Seconds until the local clouds answer, and their resident megabytes then."""
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "emulator", "serve", "--home", home], cwd=ROOT)
    try:
        while not (Path(home) / "emulator" / "endpoints.json").exists():
            if child.poll() is not None or time.perf_counter() - start > READY_WITHIN_S:
                raise SystemExit("the local clouds did not start")
            time.sleep(0.02)
        seconds = time.perf_counter() - start
        pages = int(Path(f"/proc/{child.pid}/statm").read_text().split()[1])
    finally:
        child.terminate()
        child.wait()
    return seconds, pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=90)
    options = parser.parse_args()
    home = tempfile.mkdtemp(prefix="bench-generate-")
    try:
        generate = [sys.executable, "-m", "emulator", "generate", "--home", home, "--days", str(options.days)]
        results = {"generate": measured(generate), "generate again": measured(generate)}
        results["serve, until ready"] = served(home)
        charges = pq.read_metadata(Path(home) / "truth" / "charges.parquet").num_rows
        usage = options.days * 24 * 59
        results["baseline"] = measured([sys.executable, "-c", BASELINE, str(usage), f"{home}/baseline.parquet"])
    finally:
        shutil.rmtree(home)
    print(json.dumps({"days": options.days, "usage_rows_at_most": usage, "charges": charges}))
    for name, (seconds, megabytes) in results.items():
        print(f"{name:20} {seconds:7.2f} s {megabytes:8.0f} MB")


if __name__ == "__main__":
    main()
