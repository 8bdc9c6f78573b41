"""Google's billing export into landing: Storage Read API, REST and a bare Arrow write, in one run.

    python bench/bench_gcp_storage_read.py [--rows 5000000] [--per-day 500000] [--rest-rows 5000]

The local Google Cloud runs in a process of its own on this machine, so its work is in the wall time and not in the
loader's CPU seconds. REST decodes cell by cell: it reads a small sample, and its rate is extrapolated from that.
"""

import argparse
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.gcp import bill
from emulator.gcp.server import start
from emulator.world import make_world
from ingest.config import load_sources
from ingest.contracts import Context
from ingest.landing import Landing
from ingest.run import Run, Window
from ingest.settings import Settings
from ingest.sources import gcp_billing

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 11, 18, 6, tzinfo=UTC)
FIRST_DAY = "2026-11-01"


def main() -> None:
    """Make the export, serve it, and read it each way in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--per-day", type=int, default=500_000)
    parser.add_argument("--rest-rows", type=int, default=5_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="inferledger-bench-") as name:
        home = Path(name)
        _write_export(home, wanted.rows, wanted.per_day, wanted.rest_rows)
        bare = _apart(_bare, home)
        refuse, stop, env = _serve(home)
        try:
            storage = _apart(_storage, home, env)
            refuse()
            rest = _apart(_rest, home, env)
        finally:
            stop()
    _tell("bare Arrow read and Parquet write", bare, bare)
    _tell("Storage Read API into landing", storage, bare)
    _tell(f"REST into landing (sample of {rest['rows']:,} rows, rate extrapolated)", rest, bare)


def _tell(what: str, run: dict[str, float], bare: dict[str, float]) -> None:
    rate, cpu = run["rows"] / run["wall"], run["cpu"] / run["rows"] * 1e6
    base = bare["cpu"] / bare["rows"] * 1e6
    sys.stdout.write(
        f"{what}: {run['rows']:,.0f} rows, {run['wall']:.1f} s wall, {rate:,.0f} rows/s, {run['cpu']:.1f} s CPU of the"
        f" loader ({cpu:.2f} s per million rows, {cpu / base:.1f} x bare), peak {run['peak']:.0f} MB"
        f" (+{run['growth']:.0f} MB over the start)\n"
    )


def _write_export(home: Path, rows: int, per_day: int, rest_rows: int) -> None:
    """The demo's export, repeated until it has so many rows, a day each of `per_day`, and a small day for REST."""
    world = make_world(home, days=14)
    bill.write(world)
    folder = world.folder("gcp")
    source = folder / "source.parquet"
    (folder / "export.parquet").rename(source)
    have = pq.read_metadata(source).num_rows
    copies = -(-rows // have)
    day = f"(DATE '{FIRST_DAY}' + CAST(n // {per_day} AS INTEGER))"
    stamp = f"CAST(CAST({day} AS TIMESTAMP) AS TIMESTAMPTZ)"
    small = f"least(export_time, TIMESTAMPTZ '{NOW.isoformat()}') AS export_time"
    with duckdb.connect(config={"threads": 2, "memory_limit": "3GB", "temp_directory": str(home)}) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
        connection.execute(f"""
            COPY (
                SELECT * EXCLUDE (n) REPLACE ({stamp} AS _PARTITIONTIME, {stamp} AS export_time) FROM (
                    SELECT rows.*, row_number() OVER () - 1 AS n
                    FROM read_parquet('{source}') AS rows CROSS JOIN range({copies}) LIMIT {rows}
                )
                UNION ALL
                SELECT * REPLACE (TIMESTAMPTZ '2026-10-01 00:00:00+00' AS _PARTITIONTIME, {small})
                FROM (SELECT * FROM read_parquet('{source}') LIMIT {rest_rows})
            ) TO '{folder / "export.parquet"}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 100000)
        """)
    source.unlink()


def _serve(home: Path) -> tuple[Callable[[], None], Callable[[], None], dict[str, str]]:
    """A serving process: what makes it refuse read sessions, what ends it, and how to reach it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serving, args=(home, theirs), daemon=True)
    process.start()
    env: dict[str, str] = ours.recv()

    def refuse() -> None:
        ours.send("refuse")
        ours.recv()

    def stop() -> None:
        ours.send("stop")
        process.join(timeout=10)

    return refuse, stop, env


def _serving(home: Path, pipe: Any) -> None:
    clock = Clock(home / "clock.json")
    clock.set(NOW)
    faults = Faults()
    service = start(home / "emulator" / "gcp", clock, faults)
    pipe.send(service.env)
    while pipe.recv() == "refuse":
        faults.add("gcp", "CreateReadSession", "forbidden", times=None)
        pipe.send("refused")
    service.stop()


def _apart(work: Callable[..., int], home: Path, *arguments: Any) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measured, args=(work, theirs, home, *arguments))
    process.start()
    theirs.close()
    result = ours.recv()
    process.join()
    return result


def _measured(work: Callable[..., int], pipe: Any, home: Path, *arguments: Any) -> None:
    begun, before, start_peak = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter(), _peak_mb()
    rows = work(home, *arguments)
    used = resource.getrusage(resource.RUSAGE_SELF)
    pipe.send(
        {
            "rows": rows,
            "wall": time.perf_counter() - before,
            "cpu": used.ru_utime + used.ru_stime - begun.ru_utime - begun.ru_stime,
            "peak": _peak_mb(),
            "growth": _peak_mb() - start_peak,
        }
    )


def _peak_mb() -> float:
    """The most memory that this process held. Linux hands a parent's peak down in `ru_maxrss`: its own is VmHWM."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _bare(home: Path) -> int:
    """Read the same rows from Parquet and write them as Parquet, batch by batch: no network, no checks."""
    rows = 0
    with (
        pq.ParquetFile(home / "emulator" / "gcp" / "export.parquet") as file,
        pq.ParquetWriter(home / "bare.parquet", file.schema_arrow) as writer,
    ):
        for batch in file.iter_batches(32_768, use_threads=False):
            writer.write_batch(batch)
            rows += batch.num_rows
    (home / "bare.parquet").unlink()
    return rows


def _storage(home: Path, env: dict[str, str]) -> int:
    window = Window(datetime(2026, 11, 1, tzinfo=UTC), NOW)
    return _loaded(_context(home / "storage", env), window)


def _rest(home: Path, env: dict[str, str]) -> int:
    """As the connector falls back where the role for read sessions is missing."""
    window = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC))
    return _loaded(_context(home / "rest", env), window)


def _loaded(context: Context, window: Window) -> int:
    loads = gcp_billing.load(context, window)
    shutil.rmtree(context.settings.home)
    return sum(load.rows for load in loads)


def _context(home: Path, env: dict[str, str]) -> Context:
    urls = {name.removeprefix("INFERLEDGER_").lower(): url for name, url in env.items()}
    settings = Settings(home=home, **urls)  # type: ignore[arg-type]
    run = Run("bench", NOW)
    return Context(settings, load_sources(ROOT / "config" / "sources.yml"), Landing(settings.landing_root, run), run)


if __name__ == "__main__":
    main()
