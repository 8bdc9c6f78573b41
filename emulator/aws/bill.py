"""The AWS bill as rows in CUR 2.0 columns, with the time from which, and until which, AWS shows each.

Quantities and money are whole numbers (1e-10 USD) until the last step; a cost is tokens times price and needs no
rounding. The rows lie in one Parquet file per billing period under ``bill/``; `emulator.aws.delivery` makes the
export's files of those that a moment shows.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from emulator.aws import bill_sql
from emulator.aws.estate import Workload, price_sheet, save_estate, workloads
from emulator.aws.invocation_logs import write_logs
from emulator.aws.planted import bill_wrongly, without_discount
from emulator.aws.planted import residual_truth as planted_residuals
from emulator.aws.skus import sku_rows
from emulator.truth import CHARGE_SCHEMA, USAGE_SCHEMA, Residual
from emulator.world import World

RESTATED_DAY = -9
RESTATED_AFTER_DAYS = 3
METRICS = {
    "Invocations": "request_count",
    "InputTokenCount": "input_tokens",
    "OutputTokenCount": "output_tokens",
    "CacheReadInputTokenCount": "cache_read_tokens",
    "CacheWriteInputTokenCount": "cache_write_tokens + cache_write_1h_tokens",
    "InvocationThrottles": "throttled_count",
    "InvocationServerErrors": "error_count",
}


def write(world: World) -> tuple[pa.Table, pa.Table]:
    """Write bill rows and CloudWatch series into the world's aws folder.

    Returns:
        The charges for AI and those for everything else, each in CHARGE_SCHEMA, one row per day and version.
    """
    folder = world.folder("aws")
    estate = workloads(world)
    save_estate(world)
    write_logs(world, estate)
    with _connect(world, estate) as connection:
        connection.execute(bill_sql.token_lines(), _restatement(world))
        connection.execute(bill_sql.model_unit_lines(), _restatement(world))
        bill_wrongly(connection, world)
        _insert_other_services(connection, world)
        discount = {"pct": price_sheet()["discount"]["aws_entity_pct"]} | without_discount(world)
        connection.execute(bill_sql.discount_lines(), discount)
        connection.execute(bill_sql.netted_lines(), discount)
        connection.execute(bill_sql.credit_lines(), _credit(world))
        connection.execute(bill_sql.tax_lines(), price_sheet()["tax"])
        _write_periods(connection, folder, world)
        _write_metrics(connection, folder, estate)
        payer = {"payer": world.organisation.aws["payer_account_id"]}
        charges = connection.execute(bill_sql.truth("in_scope"), payer).to_arrow_table()
        rest = connection.execute(bill_sql.truth("not in_scope"), payer).to_arrow_table()
    return charges.cast(CHARGE_SCHEMA), rest.cast(CHARGE_SCHEMA)


def usage_truth(world: World) -> pa.Table:
    """Tokens and requests per UTC day and workload, in USAGE_SCHEMA; cache writes of both lifetimes together."""
    with _connect(world, workloads(world)) as connection:
        return connection.execute(bill_sql.USAGE_TRUTH).to_arrow_table().cast(USAGE_SCHEMA)


def residual_truth(world: World) -> list[Residual]:
    """What the planted differences between meter and bill come to."""
    with _connect(world, workloads(world)) as connection:
        return planted_residuals(world, connection)


def _connect(world: World, estate: tuple[Workload, ...]) -> duckdb.DuckDBPyConnection:
    aside = world.folder("aws") / "work.duckdb"
    aside.unlink(missing_ok=True)
    # a file instead of memory: its strings are compressed, which keeps ninety days small
    connection = duckdb.connect(str(aside), config={"threads": 2, "memory_limit": "1GB"})
    aside.unlink()
    connection.register("world_usage", _naive(world.usage))
    connection.register("skus", sku_rows(world, estate))
    connection.execute(bill_sql.PREPARE)
    return connection


def _naive(usage: pa.Table) -> pa.Table:
    """Hours without a zone: DuckDB's arithmetic on zoned times needs an extension that is not always there."""
    position = usage.schema.get_field_index("hour_start")
    return usage.set_column(position, "hour_start", usage["hour_start"].cast(pa.timestamp("us")))


def _restatement(world: World) -> dict[str, object]:
    return {"restated_day": world.day(RESTATED_DAY), "restated_after": RESTATED_AFTER_DAYS}


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _credit(world: World) -> dict[str, object]:
    return {"usd": price_sheet()["credit_usd"], "first_day": world.day(-world.days), "as_of": _plain(world.as_of)}


def _insert_other_services(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    """EC2, S3 and CloudWatch: the bill holds everything else too."""
    rows = [service | {"number": number} for number, service in enumerate(price_sheet()["other_services"])]
    connection.register("other_services", pa.Table.from_pylist(rows))
    connection.execute(
        bill_sql.other_lines(),
        {"first_day": world.day(-world.days), "as_of": _plain(world.as_of), "prefix": f"{world.seed:08d}"},
    )


def _write_periods(connection: duckdb.DuckDBPyConnection, folder: Path, world: World) -> None:
    target = folder / "bill"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    names = "', '".join(f"{account}': '{name}" for account, name in world.organisation.aws["accounts"].items())
    connection.execute(f"create or replace temp macro account_name(id) as (map {{'{names}'}})[id]")
    payer = world.organisation.aws["payer_account_id"]
    for (period,) in connection.execute("select distinct period from lines order by period").fetchall():
        query = bill_sql.period_rows(payer, f"{period:%Y-%m-%d}")
        path = _quoted(target / f"{period:%Y-%m}.parquet")
        connection.execute(f"copy ({query}) to {path} (format parquet, compression zstd, row_group_size 20480)")


def _write_metrics(connection: duckdb.DuckDBPyConnection, folder: Path, estate: tuple[Workload, ...]) -> None:
    """CloudWatch series: one value per account, region, ModelId, metric and hour; an hour without calls has none."""
    ids = [{"stream_id": one.stream_id, "model_id": one.metric_model_id} for one in estate]
    connection.register("metric_ids", pa.Table.from_pylist(ids))
    measures = ", ".join(f"{expression} as {metric}" for metric, expression in METRICS.items())
    query = bill_sql.metrics(measures, list(METRICS))
    path = _quoted(folder / "metrics.parquet")
    connection.execute(f"copy ({query}) to {path} (format parquet, compression zstd)")


def _quoted(path: Path) -> str:
    """A path as SQL text, apostrophes in it doubled."""
    return "'" + str(path).replace("'", "''") + "'"
