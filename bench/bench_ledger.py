"""The whole ledger over a year: what `dbt build` costs beside a bare roll-up of the same landing, and what a day adds.

Run: python bench/bench_ledger.py [--rows 5000000] [--workloads 300] [--days 365]. CUR 2.0 rows (hourly, tags as maps,
input and output tokens of each workload, nine teams, at the demo's contract price but for one series in a hundred,
which the provider billed at list) lie in a landing of one file a month, with the demo's scope, ownership and prices.
Each step is a process of its own; CPU seconds are its own and its threads':
- `start-up`: `dbt build` of the models on a home without a bill: what dbt, parsing and empty models cost;
- `bare`: the landed columns grouped by day as the models group them, amounts as doubles, written to Parquet;
- `build`: `dbt build` of all models over the year, in a warehouse without one. Its own part is its CPU less that of
  `start-up`; beside it the sum of `execution_time` in run_results.json (wall seconds, two threads);
- `day 10` and `day 400`: one more day lands and `dbt build` runs: CPU and the seconds of the models, and what those
  are above an empty build.
Limits: build at most 4x bare in CPU seconds, peak memory under 4 GB, day 400 at most 1.3x day 10.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ingest.config import SourcesConfig
from ingest.contracts import Context
from ingest.landing import Landing
from ingest.registry import contracts, modules
from ingest.run import Run
from ingest.settings import Settings
from pipeline.closed_home import prepare_closed

ROOT = Path(__file__).parents[1]
FIRST_DAY = "2025-10-01"
AS_OF = datetime(2026, 12, 31, 6, tzinfo=UTC)
LIMITS = {"build": 4.0, "memory_gb": 4.0, "increment": 1.3}
MONTH = """
copy (
    with hours as (
        select timestamp '{first_day}' + to_hours(h) as hour_start from range({first}, {last}) as hours (h)
    ),
    used as (
        select
            hour_start, k, cast(hash(hour_start, k) % 1000000 as double) / 1000 as amount,
            case when k < {workloads} then 0.0008 else 0.0032 end as list_price
        from hours cross join range({series}) as series (k)
    )
    select
        '100000000001' as bill_payer_account_id, 'AWS' as bill_billing_entity, 'Anniversary' as bill_bill_type,
        case when hour_start < timestamp '{final}' then 'E1' end as bill_invoice_id,
        cast(date_trunc('month', hour_start) as timestamp) as bill_billing_period_start_date,
        cast(date_trunc('month', hour_start) + interval 1 month as timestamp) as bill_billing_period_end_date,
        '2100000000' || lpad(cast(k % 20 as varchar), 2, '0') as line_item_usage_account_id,
        'Usage' as line_item_line_item_type, hour_start as line_item_usage_start_date,
        hour_start + interval 1 hour as line_item_usage_end_date, 'AmazonBedrock' as line_item_product_code,
        'USE1-NovaPro-' || case when k < {workloads} then 'input' else 'output' end || '-tokens'
            as line_item_usage_type,
        'InvokeModelInference' as line_item_operation,
        'arn:aws:bedrock:us-east-1:2100000000' || lpad(cast(k % 20 as varchar), 2, '0')
            || ':application-inference-profile/p' || (k % {workloads}) as line_item_resource_id,
        amount as line_item_usage_amount, 'USD' as line_item_currency_code,
        amount * list_price * case when k % 100 = 7 then 1 else 0.95 end as line_item_unblended_cost,
        cast(null as double) as line_item_net_unblended_cost, amount * list_price as pricing_public_on_demand_cost,
        'a row' as line_item_line_item_description, map {{'product_name': 'Amazon Bedrock'}} as product,
        'us-east-1' as product_region_code, '1K tokens' as pricing_unit,
        case when k % 10 = 0 then map {{}} else map {{
            'user_team': 'team-' || (k % 9), 'user_product': 'product-' || (k % 21), 'user_environment': 'prod'
        }} end as resource_tags,
        cast(null as varchar) as line_item_iam_principal, cast(null as map(varchar, varchar)) as tags,
        timestamp '2026-11-18 06:00:00' as _loaded_at
    from used
) to '{path}' (format parquet, compression zstd, row_group_size 122880)
"""
BARE = """
copy (
    select
        bill_payer_account_id, line_item_usage_account_id, line_item_resource_id, bill_billing_entity, bill_invoice_id,
        line_item_line_item_type, line_item_product_code, product['product_name'] as product_name, line_item_usage_type,
        product_region_code, pricing_unit, line_item_iam_principal, resource_tags, line_item_currency_code,
        bill_billing_period_start_date, cast(line_item_usage_start_date as date) as usage_date,
        sum(line_item_usage_amount) as usage_amount, sum(line_item_unblended_cost) as unblended_cost,
        sum(pricing_public_on_demand_cost) as list_cost, count(*) as line_item_count
    from read_parquet('landing/aws_cur/line_items/**/*.parquet', union_by_name = true, hive_partitioning = false)
    group by all
) to 'bare.parquet' (format parquet)
"""
RUN_BARE = """
import duckdb, os, sys
os.chdir(sys.argv[1])
duckdb.connect(config={"threads": 2, "memory_limit": "900MB"}).execute(sys.stdin.read())
"""


def generate(home, *, series, workloads, first_day, last_day):
    """Land the days from `first_day` up to `last_day` (numbers), a file for each month they touch; returns the rows."""
    written = 0
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as connection:
        months = connection.execute(
            f"select date_trunc('month', timestamp '{FIRST_DAY}' + to_hours(h)) as m, min(h), max(h) + 1 "
            f"from range({first_day * 24}, {last_day * 24}) as hours (h) group by m order by m"
        ).fetchall()
        for month, start, end in months:
            folder = home / "landing" / "aws_cur" / "line_items" / "bench" / f"window_start={month:%Y-%m-%d}"
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / ("part.parquet" if not list(folder.iterdir()) else f"from-{start}.parquet")
            words = {"first_day": FIRST_DAY, "final": "2026-09-01", "workloads": workloads, "series": series}
            connection.execute(MONTH.format(first=start, last=end, path=path, **words))
            written += (end - start) * series
    return written


def new_home(path):
    """A home with anchors, the demo's configuration and prices, and no bill."""
    settings, run = Settings(home=path, config_dir=ROOT / "config"), Run("bench", AS_OF)
    landing = Landing(settings.landing_root, run)
    landing.ensure_anchors(contracts())
    prepare_closed(path, settings.landing_root)
    context = Context(settings, SourcesConfig(), landing, run)
    for source in ("config", "prices"):
        for module in modules(source):
            module.load(context, None)
    return path


def measured(command, *, stdin="", env=None):
    """CPU seconds, wall seconds and peak memory in MB of one process; it has to succeed."""
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as text, tempfile.TemporaryFile("w+") as told:
        text.write(stdin)
        text.seek(0)
        process = subprocess.Popen(command, stdin=text, stdout=told, stderr=told, env=os.environ | (env or {}))
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            told.seek(0)
            raise SystemExit(told.read()[-3000:])
    cpu, wall = usage.ru_utime + usage.ru_stime, time.monotonic() - start
    return {"cpu_s": round(cpu, 2), "wall_s": round(wall, 1), "peak_mb": round(usage.ru_maxrss / 1024)}


def build(home, *more):
    """`dbt build` of every model, tests left out; the models' own seconds come from run_results.json."""
    env = {
        "INFERLEDGER_WAREHOUSE": str(home / "warehouse.duckdb"),
        "INFERLEDGER_HOME_DIR": str(home),
        "DBT_PROFILES_DIR": str(ROOT / "dbt"),
        "DBT_PROJECT_DIR": str(ROOT / "dbt"),
        "DBT_TARGET_PATH": str(home / "target"),
        "DBT_LOG_PATH": str(home / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    kinds = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    clock = ["--vars", json.dumps({"as_of": f"{AS_OF:%Y-%m-%d %H:%M:%S}", "run_id": "bench"})]
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--quiet", "build", *kinds, *clock, *more]
    result = measured(command, env=env)
    nodes = json.loads((home / "target" / "run_results.json").read_text())["results"]
    slowest = sorted(nodes, key=lambda node: -node["execution_time"])[:8]
    return result | {
        "models_s": round(sum(node["execution_time"] for node in nodes), 1),
        "slowest": {node["unique_id"].split(".")[2]: round(node["execution_time"], 1) for node in slowest},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--workloads", type=int, default=300)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--no-increment", action="store_true")
    options = parser.parse_args()
    series = max(1, options.rows // (options.days * 24))
    size = {"series": series, "workloads": options.workloads}
    root = Path(tempfile.mkdtemp(prefix="bench-ledger-"))
    try:
        year, young = new_home(root / "year"), new_home(root / "young")
        started = build(young)
        print("start-up ", json.dumps(started), flush=True)
        rows = generate(year, **size, first_day=0, last_day=options.days)
        bare = measured([sys.executable, "-c", RUN_BARE, str(year)], stdin=BARE)
        print("bare     ", json.dumps({"rows": rows} | bare), flush=True)
        whole = build(year)
        own = whole["cpu_s"] - started["cpu_s"]
        print(
            f"build     {json.dumps(whole)}  {own:.1f} CPU s of its own, {own / bare['cpu_s']:.2f}x of bare", flush=True
        )
        print(f"peak memory {whole['peak_mb'] / 1024:.2f} GB; limits {json.dumps(LIMITS)}", flush=True)
        if options.no_increment:
            return
        generate(young, **size, first_day=0, last_day=10)
        build(young)
        days = []
        for name, home, day in (("day 10   ", young, 10), ("day 400  ", year, 400)):
            if day == 400:
                generate(home, **size, first_day=options.days, last_day=400)
                build(home)
            generate(home, **size, first_day=day, last_day=day + 1)
            added = build(home)
            days.append(added)
            print(name, json.dumps(added), flush=True)
        ratios = ", ".join(f"{days[1][key] / days[0][key]:.2f}x in {key}" for key in ("cpu_s", "models_s"))
        added = [day["models_s"] - started["models_s"] for day in days]
        print(
            f"day 400 beside day 10: {ratios}; above an empty build {added[1]:.1f} s and {added[0]:.1f} s", flush=True
        )
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
