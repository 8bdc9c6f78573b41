"""Export: the published FOCUS data set as files that other tools read, Parquet and CSV.

Inputs: the mart `focus_cost_and_usage` of the published file, and nothing else. A file is written aside and renamed
in, so a reader sees the old file or the new one; exporting again replaces it. Rows are in a fixed order. The moments
are UTC in both forms: typed as such in Parquet, with a Z in CSV.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

from ingest.errors import ConfigError, TerminalError
from ingest.settings import Settings

FOCUS_VERSION = "1.2"
FORMATS = ("parquet", "csv")
_MART = "focus_cost_and_usage"
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_ORDER = (
    "ChargePeriodStart", "ProviderName", "BillingAccountId", "SubAccountId", "ServiceName", "SkuId", "ResourceId",
    "ChargeCategory", "x_Team", "x_Product", "BilledCost", "PricingQuantity",
)  # fmt: skip


@dataclass(frozen=True)
class FocusExport:
    """What was written: files, rows in each of them, and their billed cost by currency."""

    files: tuple[Path, ...]
    rows: int
    months: tuple[date, ...]
    billed_cost: dict[str, Decimal]
    as_of: datetime


def export_focus(
    settings: Settings,
    *,
    month: str | None,
    formats: tuple[str, ...],
    out: Path | None,
    progress: Callable[[str, int, int], None],
) -> FocusExport:
    """Write the billed AI charges of one invoice month, or of all of them, in the columns of FOCUS.

    Raises:
        ConfigError: the month is none.
        TerminalError: nothing is published, the published file has no FOCUS table, or nothing was billed then.
    """
    if month is not None and not _MONTH.fullmatch(month):
        raise ConfigError(f"{month!r} is no month.", "Write it as YYYY-MM, like 2026-10.")
    if not settings.published.exists():
        raise TerminalError("Nothing is published yet.", "Run `inferledger run` first.")
    folder = out or settings.home / "exports"
    with duckdb.connect(settings.published, read_only=True) as connection:
        result = _measure(connection, month)
        folder.mkdir(parents=True, exist_ok=True)
        name = _MART if month is None else f"{_MART}_{month}"
        files: list[Path] = []
        for done, file_format in enumerate(formats):
            progress("FOCUS files", done, len(formats))
            files.append(folder / f"{name}.{file_format}")
            _write(connection, month, file_format, files[-1], result.as_of)
        progress("FOCUS files", len(formats), len(formats))
    return FocusExport(tuple(files), result.rows, result.months, result.billed_cost, result.as_of)


def _measure(connection: duckdb.DuckDBPyConnection, month: str | None) -> FocusExport:
    """How much there is to write, before a file is begun."""
    columns = _columns(connection)
    if not columns:
        raise TerminalError(
            f"The published file has no table {_MART}.", "Run `inferledger run`, or build, detect and publish again."
        )
    by_month = connection.execute(
        f'select cast("BillingPeriodStart" as date), "BillingCurrency", count(*), sum("BilledCost") '
        f"from {_MART} where {_of_month(month)} group by all order by all"
    ).fetchall()
    if not by_month:
        span = connection.execute(
            f'select min("BillingPeriodStart"), max("BillingPeriodStart") from {_MART}'
        ).fetchone() or (None, None)
        held = "none" if span[0] is None else f"those from {span[0]:%Y-%m} to {span[1]:%Y-%m}"
        asked = "at all" if month is None else f"in {month}"
        raise TerminalError(f"No AI charge was billed {asked}.", f"Ask for a month that is published: {held}.")
    billed: dict[str, Decimal] = {}
    for _, currency, _, cost in by_month:
        billed[currency] = billed.get(currency, Decimal(0)) + cost
    (as_of,) = connection.execute("select as_of from publication").fetchall()[0]
    months = tuple(dict.fromkeys(row[0] for row in by_month))
    return FocusExport((), sum(row[2] for row in by_month), months, billed, as_of)


def _write(
    connection: duckdb.DuckDBPyConnection, month: str | None, file_format: str, target: Path, as_of: datetime
) -> None:
    """Write one file aside and rename it in."""
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    columns = ", ".join(_expression(name, kind, file_format) for name, kind in _columns(connection).items())
    order = ", ".join(f'"{name}"' for name in _ORDER)
    if file_format == "parquet":
        moment = f"{as_of:%Y-%m-%dT%H:%M:%SZ}"
        notes = f"FocusVersion: '{FOCUS_VERSION}', DataGenerator: 'inferledger', PublishedAsOf: '{moment}'"
        options = f"format parquet, compression zstd, kv_metadata {{{notes}}}"
    else:
        options = "format csv, header true"
    try:
        connection.execute("set timezone = 'UTC'")
        connection.execute(
            f"copy (select {columns} from {_MART} where {_of_month(month)} order by {order}) "
            f"to {_quoted(aside)} ({options})"
        )
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    rows = connection.execute(
        "select column_name, data_type from duckdb_columns() where table_name = ? order by column_index", [_MART]
    ).fetchall()
    return dict(rows)


def _expression(name: str, kind: str, file_format: str) -> str:
    """A column as the format needs it; only moments differ."""
    if kind != "TIMESTAMP":
        return f'"{name}"'
    if file_format == "csv":
        return f'strftime("{name}", \'%Y-%m-%dT%H:%M:%SZ\') as "{name}"'
    return f'"{name}" at time zone \'UTC\' as "{name}"'


def _of_month(month: str | None) -> str:
    return "true" if month is None else f"\"BillingPeriodStart\" = timestamp '{month}-01'"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
