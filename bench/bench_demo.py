"""The whole demo as a user runs it: seconds and peak resident memory of its process tree, first and second run.

    python bench/bench_demo.py [--days 90] [--home DIR]

The baseline in the same run is the part that cannot be saved: writing the demo's world (`emulator generate`).
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil


def measured(command: list[str]) -> tuple[float, float]:
    """Seconds and peak resident MB over the whole process tree of ``command``."""
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            total = 0
            for member in [process, *process.children(recursive=True)]:
                try:
                    total += member.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], total)

    watcher = threading.Thread(target=watch, daemon=True)
    started = time.monotonic()
    watcher.start()
    code = process.wait()
    seconds = time.monotonic() - started
    done.set()
    watcher.join()
    if code != 0:
        raise SystemExit(f"{' '.join(command)} ended with {code}")
    return seconds, peak[0] / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", default="90")
    parser.add_argument("--home", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = options.home or Path(scratch) / "home"
        world = [sys.executable, "-m", "emulator", "generate", "--home", f"{scratch}/world", "--days", options.days]
        demo = [
            sys.executable,
            "-m",
            "pipeline.cli",
            "demo",
            "--no-dashboard",
            "--home",
            str(home),
            "--days",
            options.days,
        ]
        for name, command in (("world alone", world), ("first demo run", demo), ("second demo run", demo)):
            seconds, megabytes = measured(command)
            print(f"{name:16} {seconds:7.1f} s   {megabytes:7.0f} MB peak resident, whole process tree")


if __name__ == "__main__":
    main()
