"""What is frozen of a month: queries on the published file, and the digests by which two freezes are compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from ingest.run import next_month

_IN_FORCE = "valid_from < $end and (valid_to is null or valid_to > $month)"
QUERIES = {
    "spend_daily": "select * from fct_spend_daily where billing_month = $month",
    "tokens_daily": "select * from fct_tokens_daily where usage_date >= $month and usage_date < $end",
    "provider_totals": "select * from fct_provider_totals where billing_month = $month",
    "statement_lines": "select * from fct_statement_line where billing_month = $month and statement_status = 'draft'",
    "teams": f"select * from dim_team where {_IN_FORCE}",
    # cut to the month, so that a price that ends later is not another price
    "prices": (
        "select * exclude (valid_from, valid_to, source_date), greatest(valid_from, $month) as valid_from, "
        f"least(coalesce(valid_to, $end), $end) as valid_to from dim_price where {_IN_FORCE}"
    ),
}
# a reporting currency is a way to look at a month, and a revision counts its closings: neither is its content
_NOT_COMPARED = ("revision", "reporting_currency", "_reporting")
_BY_DAY = {"reconciliation": "fct_reconciliation", "residual": "fct_residual"}
_DAY_COLUMNS = ("billing_month", "charge_date", "usage_date")
NUMBERS = ("spend_daily", "tokens_daily", "provider_totals", "statement_lines", *_BY_DAY)
"""The tables whose content is the month; the others say what it was made with."""


@dataclass(frozen=True)
class FrozenTable:
    """A table of a closed month: what a manifest says of it."""

    name: str
    rows: int
    columns: tuple[str, ...]
    sha256: str


def open_published(path: Path) -> duckdb.DuckDBPyConnection:
    """The published file, read-only, its times in UTC."""
    connection = duckdb.connect(path, read_only=True)
    connection.execute("set timezone = 'UTC'")
    return connection


def freeze(connection: duckdb.DuckDBPyConnection, month: date, revision: int, folder: Path) -> list[FrozenTable]:
    """Copy each table of the month into a folder, as Parquet."""
    queries = QUERIES | _reconciliation(connection)
    given = {"month": month, "end": next_month(month), "revision": revision}
    frozen: list[FrozenTable] = []
    for name, query in queries.items():
        path = folder / f"{name}.parquet"
        marked = f"select $month::date as closed_month, $revision::integer as revision, * from ({query}) order by all"
        wanted = {key: value for key, value in given.items() if f"${key}" in marked}
        rows = connection.execute(marked, wanted).to_arrow_table()
        connection.register("frozen", rows)
        connection.execute(f"copy frozen to '{quoted(path)}' (format parquet)")
        connection.unregister("frozen")
        frozen.append(read_frozen(connection, path))
    return frozen


def read_frozen(connection: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str] | None = None) -> FrozenTable:
    """What a frozen file holds, its digest over `columns`, over all but the revision when None.

    Rows are compared as text and in their order as text: neither the file's encoding nor its row order counts.
    """
    there = [row[0] for row in connection.execute(f"describe select * from '{quoted(path)}'").fetchall()]
    chosen = [name for name in there if not name.endswith(_NOT_COMPARED)] if columns is None else list(columns)
    missing = [name for name in chosen if name not in there]
    names = ", ".join(f'"{name}"' for name in chosen if name not in missing)
    row = connection.execute(
        f"select count(*), sha256(coalesce(string_agg(line, chr(10) order by line), '')) from "
        f"(select cast(held as varchar) as line from (select {names} from '{quoted(path)}') as held)"
    ).fetchone()
    if row is None:
        raise duckdb.Error(f"{path} gave no row")
    return FrozenTable(path.stem, row[0], tuple(chosen), f"lacks {', '.join(missing)}" if missing else row[1])


def records(connection: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> list[dict[str, Any]]:
    """Rows of a query, as dicts."""
    answer = connection.execute(query, list(parameters) or None)
    names = [column[0] for column in answer.description or []]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def has_table(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether the published file has a table."""
    found = connection.execute("select 1 from duckdb_tables() where table_name = ?", [table]).fetchone()
    return found is not None


def quoted(path: Path) -> str:
    """A path as it stands inside an SQL literal."""
    return str(path).replace("'", "''")


def _reconciliation(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Queries of the reconciliation, where the published file has one."""
    queries: dict[str, str] = {}
    for name, table in _BY_DAY.items():
        if has_table(connection, table):
            day = day_column(connection, table)
            queries[name] = f"select * from {table} where {day} >= $month and {day} < $end"
    return queries


def day_column(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """The column by which the rows of a table belong to a month."""
    columns = {row[0] for row in connection.execute(f"describe {table}").fetchall()}
    return next(name for name in _DAY_COLUMNS if name in columns)
