"""CPU seconds of staging a year of AWS bill, beside DuckDB scanning and summing the same Parquet columns.

Run: python bench/bench_aws_staging.py [--rows 10000000]. Synthetic CUR 2.0 rows (hourly, tags as maps, a tenth of the
costs with more decimals than money keeps) lie in a landing of twelve months. Measured, each in a process of its own
with two threads and limited memory:
- `bare`: the same columns grouped as the models group them, amounts summed as doubles, nothing else;
- `first day`: the models from the raw rows to a bill's days (int_aws_file_days, int_aws_bill_routes,
  int_aws_bill_days), as dbt compiles them;
- `second day`: the same after one more day has landed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ingest.landing import Landing
from ingest.registry import contracts
from ingest.run import Run

ROOT = Path(__file__).parents[1]
AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
HOURS = 365 * 24
MEMORY = "2GB"
MODELS = ("int_aws_file_days", "int_aws_bill_routes", "int_aws_bill_days")
MONTH = """
copy (
    with hours as (
        select h, timestamp '2025-10-01' + to_hours(h) as hour_start
        from range({first}, {last}) as hours (h)
    )
    select
        '100000000001' as bill_payer_account_id, 'AWS' as bill_billing_entity, 'Anniversary' as bill_bill_type,
        cast(null as varchar) as bill_invoice_id,
        cast(date_trunc('month', hour_start) as timestamp) as bill_billing_period_start_date,
        cast(date_trunc('month', hour_start) + interval 1 month as timestamp) as bill_billing_period_end_date,
        '2100000000' || lpad(cast(k % 20 as varchar), 2, '0') as line_item_usage_account_id,
        'Usage' as line_item_line_item_type, hour_start as line_item_usage_start_date,
        hour_start + interval 1 hour as line_item_usage_end_date,
        case when k % 3 = 0 then 'AmazonBedrock' else 'AmazonEC2' end as line_item_product_code,
        'USE1-NovaPro-' || ['input', 'output', 'cache-read-input'][1 + k % 3] || '-tokens' as line_item_usage_type,
        'InvokeModelInference' as line_item_operation,
        'arn:aws:bedrock:us-east-1:210000000001:application-inference-profile/p' || (k // 3) as line_item_resource_id,
        cast(abs(hash(h, k) % 1000000) as double) / 1000 as line_item_usage_amount, 'USD' as line_item_currency_code,
        case
            when k % 10 = 0 then cast(hash(h, k) % 100000000 as double) / 333333333333.0
            else cast(hash(h, k) % 100000000 as double) / 10000000000.0
        end as line_item_unblended_cost,
        cast(null as double) as line_item_net_unblended_cost,
        cast(hash(h, k) % 100000000 as double) / 10000000000.0 as pricing_public_on_demand_cost,
        'a row' as line_item_line_item_description, map {{'product_name': 'Amazon Bedrock'}} as product,
        'us-east-1' as product_region_code, '1K tokens' as pricing_unit,
        map {{'user_team': 'team-' || (k % 9), 'user_product': 'product-' || (k % 21), 'user_environment': 'prod'}}
            as resource_tags,
        cast(null as varchar) as line_item_iam_principal, cast(null as map(varchar, varchar)) as tags,
        timestamp '2026-11-18 06:00:00' as _loaded_at
    from hours cross join range({series}) as series (k)
) to '{path}' (format parquet, compression zstd, row_group_size 122880)
"""
BARE = """
create or replace table bare as
select
    bill_payer_account_id, line_item_usage_account_id, line_item_resource_id, bill_billing_entity,
    line_item_line_item_type, line_item_product_code, product['product_name'] as product_name, line_item_usage_type,
    product_region_code, pricing_unit, line_item_iam_principal, resource_tags, tags, line_item_currency_code,
    bill_billing_period_start_date, cast(line_item_usage_start_date as date) as usage_date, filename,
    sum(line_item_usage_amount) as usage_amount, sum(line_item_unblended_cost) as unblended_cost,
    sum(coalesce(line_item_net_unblended_cost, line_item_unblended_cost)) as net_cost,
    sum(pricing_public_on_demand_cost) as list_cost, count(*) as line_item_count,
    count(bill_invoice_id) as invoiced_count, max(line_item_usage_end_date) as usage_end_at
from read_parquet('landing/aws_cur/line_items/**/*.parquet', union_by_name = true, hive_partitioning = false)
group by all
"""


def generate(home, rows, first, last):
    """Write the months that the hours from `first` up to `last` touch; returns the rows written."""
    series, written = max(1, rows // HOURS), 0
    with duckdb.connect(config={"threads": 2, "memory_limit": MEMORY}) as connection:
        months = connection.execute(
            "select date_trunc('month', timestamp '2025-10-01' + to_hours(h)) as m, min(h), max(h) + 1 "
            f"from range({first}, {last}) as hours (h) group by m order by m"
        ).fetchall()
        for month, start, end in months:
            folder = home / "landing" / "aws_cur" / "line_items" / "bench" / f"window_start={month:%Y-%m-%d}"
            folder.mkdir(parents=True, exist_ok=True)
            name = "part.parquet" if start == 0 or first == 0 else "more.parquet"
            connection.execute(MONTH.format(first=start, last=end, series=series, path=folder / name))
            written += (end - start) * series
    return written


def build_views(home):
    """The views and seeds below the two models, made by dbt on the empty home; returns the models' compiled SQL."""
    settings = {
        "INFERLEDGER_WAREHOUSE": str(home / "warehouse.duckdb"),
        "INFERLEDGER_HOME_DIR": str(home),
        "DBT_PROFILES_DIR": str(ROOT / "dbt"),
        "DBT_PROJECT_DIR": str(ROOT / "dbt"),
        "DBT_TARGET_PATH": str(home / "target"),
        "DBT_LOG_PATH": str(home / "logs"),
    }
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--quiet", "build", "--select"]
    command += ["+int_aws_bill_days", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    subprocess.run(command, env=os.environ | settings, check=True, stdout=sys.stderr)
    compiled = home / "target" / "compiled" / "inferledger" / "models" / "intermediate" / "aws"
    return {name: (compiled / f"{name}.sql").read_text() for name in MODELS}


CHILD = """
import duckdb, json, os, resource, sys, time
home, queries = sys.argv[1], json.load(sys.stdin)
os.chdir(home)
connection = duckdb.connect("warehouse.duckdb", config={"threads": 2, "memory_limit": sys.argv[2]})
connection.execute("set enable_progress_bar = false")
parts = {}
for name, query in queries.items():
    start = time.process_time()
    connection.execute(query)
    parts[name] = round(time.process_time() - start, 2)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"cpu_s": round(sum(parts.values()), 2), "parts": parts, "peak_mb": round(peak)}))
"""


def measured(home, queries):
    """CPU seconds and peak memory of the queries in one process."""
    command = [sys.executable, "-c", CHILD, str(home), MEMORY]
    finished = subprocess.run(command, input=json.dumps(queries), capture_output=True, text=True, check=True)
    return json.loads(finished.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="bench-aws-staging-"))
    try:
        Landing(str(home / "landing"), Run("bench", AS_OF)).ensure_anchors(contracts())
        models = build_views(home)
        tables = {name: f"create or replace table intermediate.{name} as {sql}" for name, sql in models.items()}
        rows = generate(home, options.rows, 0, HOURS - 48)
        print(json.dumps({"rows": rows}))
        bare = measured(home, {"bare": BARE})
        print("bare scan and aggregation", json.dumps(bare))
        first = measured(home, tables)
        print(f"first day                 {json.dumps(first)}  {first['cpu_s'] / bare['cpu_s']:.2f}x of bare")
        generate(home, options.rows, HOURS - 48, HOURS - 24)
        second = measured(home, tables)
        print(f"second day                {json.dumps(second)}  {second['cpu_s'] / first['cpu_s']:.2f}x of first")
    finally:
        shutil.rmtree(home)


if __name__ == "__main__":
    main()
