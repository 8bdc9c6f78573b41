"""A change of ownership over a year: what foreseeing it takes, and what attributing the year again costs.

Run: python bench/bench_ownership.py [--rows 5000000] [--workloads 300] [--days 365]. The year of `bench_ledger.py`,
with a rule per account; the change gives the later ten accounts to another team.
- `full`: `inferledger build`; of it, the sum of `execution_time` of the models that attribution is made of;
- `again`: `inferledger build --only attribution` after the change landed: the same sum. Nothing before them is built;
- `check`: `inferledger ownership check` of the changed file against what was published before it landed, wall seconds
  of the whole process.
Limits: again at most 2x of the same models in full, check under five seconds.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from bench_ledger import AS_OF, ROOT, generate, new_home

from ingest.config import SourcesConfig
from ingest.contracts import Context
from ingest.landing import Landing
from ingest.registry import modules
from ingest.run import Run
from ingest.settings import Settings
from pipeline.building import build

PUBLISHED = ("dim_owned_thing", "fct_owned_daily", "fct_tag_key_usage")
LIMITS = {"again": 2.0, "check_s": 5.0}


def configured(folder, teams):
    """The demo's configuration with a rule per account, the later ten accounts owned by the second of `teams`."""
    shutil.copytree(ROOT / "config", folder)
    path = folder / "ownership.yml"
    rules = "".join(
        f'  - {{id: account-{k}, priority: {200 + k}, provider: aws, field: account, pattern: "2100000000{k:02d}", '
        f"team: {teams[k // 10]}, valid_from: 2025-01-01}}\n"
        for k in range(20)
        if k != 3
    )
    text = path.read_text(encoding="utf-8").partition("# what must come out")[0]
    path.write_text(text.replace("rules:\n", f"rules:\n{rules}", 1), encoding="utf-8")
    return folder


def land(home, folder):
    settings, run = Settings(home=home, config_dir=folder), Run("bench", AS_OF)
    context = Context(settings, SourcesConfig(), Landing(settings.landing_root, run), run)
    for module in modules("config"):
        module.load(context, None)
    return settings, run


def model_seconds(home):
    """Model to its own seconds in the last build."""
    results = json.loads((home / "dbt" / "target" / "run_results.json").read_text())["results"]
    return {one["unique_id"]: one["execution_time"] for one in results if one["unique_id"].startswith("model.")}


def publish(home):
    """The tables that the check reads."""
    path = home / "published" / "inferledger.duckdb"
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"attach '{home / 'warehouse.duckdb'}' as warehouse (read_only)")
        for table in PUBLISHED:
            connection.execute(f"create table {table} as select * from warehouse.main.{table}")
        return connection.execute("select count(*) from fct_owned_daily").fetchone()[0]


def check_seconds(home, folder):
    command = [sys.executable, "-m", "pipeline.cli", "ownership", "check", "--config", str(folder), "--home", str(home)]
    start = time.monotonic()
    finished = subprocess.run([*command, "--json"], check=True, capture_output=True, text=True)
    return time.monotonic() - start, json.loads(finished.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("rows", 5_000_000), ("workloads", 300), ("days", 365)):
        parser.add_argument(f"--{name}", type=int, default=value)
    asked = parser.parse_args()
    series = max(asked.rows // (24 * asked.days), 1)
    with tempfile.TemporaryDirectory() as folder:
        home = new_home(Path(folder) / "home")
        rows = generate(home, series=series, workloads=asked.workloads, first_day=0, last_day=asked.days)
        before = configured(Path(folder) / "before", ("search", "search"))
        after = configured(Path(folder) / "after", ("search", "docs"))
        build(*land(home, before))
        full = model_seconds(home)
        days = publish(home)
        seconds, report = check_seconds(home, after)
        build(*land(home, after), only="attribution")
        again = model_seconds(home)
    ratio = sum(again.values()) / sum(full[model] for model in again)
    moved = len(report["moves"])
    print(f"{rows:,} billing rows, {days:,} days of things")
    print(f"full  {sum(full.values()):6.1f} s in {len(full)} models, attribution's {len(again)} of it", end=" ")
    print(f"{sum(full[model] for model in again):.1f} s")
    print(f"again {sum(again.values()):6.1f} s, {ratio:.2f}x (limit {LIMITS['again']}x)")
    print(f"check {seconds:6.1f} s (limit {LIMITS['check_s']} s), {moved} moves between teams and months")
    sys.exit(0 if ratio <= LIMITS["again"] and seconds < LIMITS["check_s"] and moved else 1)


if __name__ == "__main__":
    main()
