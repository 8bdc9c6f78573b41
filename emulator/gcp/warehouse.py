"""BigQuery's engine over the export's tables: its SQL dialect, `_PARTITIONTIME`, and how many bytes a query reads."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from emulator.gcp.answers import gathered, width
from emulator.gcp.rows import EXPORT_SCHEMA
from emulator.gcp.served import PARTITION, ServedTable, served_tables

PARTITION_DATE = "_PARTITIONDATE"
MEBIBYTE = 1 << 20
LEAST_BILLED = 10 * MEBIBYTE
RENAMED = ("cost", "cost_in_billing_currency")
ROWS_PER_BATCH = 8192
# rows this young have no partition yet where the fault `streaming` is on
STREAMED = timedelta(hours=6)


class GoogleError(Exception):
    """An answer in Google's error shape: HTTP status, reason and message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


@dataclass(frozen=True)
class View:
    """What of the export can be seen: the time, and the kind of a fault that changes rows or columns."""

    now: datetime
    fault: str | None = None


@dataclass(frozen=True)
class Plan:
    """A query ready to run, and the bytes it would read."""

    sql: str
    bytes_processed: int
    bytes_billed: int


class Warehouse:
    """The export of one generated world; every call works on its own cursor."""

    def __init__(self, folder: Path, kinds: tuple[str, ...] = ("detailed",)) -> None:
        place = json.loads((folder / "export.json").read_text(encoding="utf-8"))
        self.project: str = place["project"]
        self.dataset: str = place["dataset"]
        self.table: str = place["table"]
        self.location: str = place["location"]
        self._path = folder / "export.parquet"
        self._lock = threading.Lock()
        self._connection = duckdb.connect(config={"memory_limit": "384MB", "threads": 1})
        self._connection.execute("SET TimeZone = 'UTC'")
        self.created = self._path.stat().st_mtime
        self.tables = served_tables(place, kinds, self._described)

    def _described(self, select: str) -> pa.Schema:
        path = str(self._path).replace("'", "''")
        if select == "{rows}":
            return EXPORT_SCHEMA
        return self.run(Plan(f"{select.format(rows=f'FROM read_parquet({path!r})')} LIMIT 0", 0, 0)).schema

    def find(self, dataset: str, name: str) -> ServedTable | None:
        """A table by its place, None when there is none."""
        return next((table for table in self.tables if (table.dataset, table.name) == (dataset, name)), None)

    def close(self) -> None:
        """Free the engine."""
        self._connection.close()

    def schema(self, table: ServedTable, view: View) -> pa.Schema:
        """Columns of a table as a client sees them, without the pseudo-column."""
        fields = [item for item in table.schema if item.name != PARTITION]
        if view.fault == "wrong_schema":
            fields = [item.with_name(RENAMED[1]) if item.name == RENAMED[0] else item for item in fields]
        return pa.schema(fields)

    def row_count(self, table: ServedTable, view: View) -> int:
        """Rows that can be seen."""
        return self._count(table, view, [])

    def plan(self, sql: str, parameters: Sequence[Mapping[str, Any]], view: View, location: str | None = None) -> Plan:
        """Check and translate one query; raises GoogleError as BigQuery would refuse it."""
        try:
            tree = sqlglot.parse_one(sql, read="bigquery")
        except SqlglotError as error:
            raise GoogleError(400, "invalidQuery", f"Syntax error: {str(error).splitlines()[0]}") from error
        if not isinstance(tree, exp.Query):
            raise GoogleError(403, "accessDenied", "Access Denied: the local BigQuery only reads")
        tree = _bind(tree, parameters)
        stars = [star for star in tree.find_all(exp.Star) if isinstance(star.parent, exp.Select)]
        named = [item.name for item in tree.find_all(exp.Identifier)]
        processed = 0
        if table := self._place_tables(tree, view, location):
            processed = self._bytes(table, tree, view, frozenset(table.schema.names if stars else named))
            for star in stars:
                star.replace(_sql(f"SELECT * EXCLUDE ({PARTITION})").expressions[0])
        _spell_partition_date(tree)
        billed = max(-(-processed // MEBIBYTE) * MEBIBYTE, LEAST_BILLED) if processed else 0
        return Plan(tree.sql(dialect="duckdb"), processed, billed)

    def run(self, plan: Plan) -> pa.Table:
        """The rows of a planned query in BigQuery's types; raises GoogleError when it does not run."""
        with self._cursor() as cursor:
            try:
                return gathered(cursor.sql(plan.sql).to_arrow_reader(ROWS_PER_BATCH))
            except duckdb.Error as error:
                raise GoogleError(400, "invalidQuery", _first_line(error)) from error

    def describe(self, plan: Plan) -> pa.Schema:
        """The columns a planned query would return; raises GoogleError when it would not run."""
        limited = Plan(f"SELECT * FROM ({plan.sql}) LIMIT 0", 0, 0)
        return self.run(limited).schema

    def names(self, table: exp.Table) -> ServedTable | None:
        """The table that a reference in SQL means."""
        parts = [part.name for part in table.parts]
        if len(parts) < 2 or (len(parts) == 3 and parts[0] != self.project):
            return None
        return self.find(parts[-2], parts[-1])

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            return self._connection.cursor()

    def _place_tables(self, tree: exp.Expr, view: View, location: str | None) -> ServedTable | None:
        used: ServedTable | None = None
        inner = {cte.alias for cte in tree.find_all(exp.CTE)}
        for table in list(tree.find_all(exp.Table)):
            if table.name in inner and not table.db:
                continue
            found = None if isinstance(table.this, exp.Func) else self.names(table)
            if found is None:
                name = ".".join(part.name for part in table.parts)
                raise GoogleError(
                    404, "notFound", f"Not found: Table {name} was not found in location {location or 'US'}"
                )
            if location and location.upper() != self.location.upper():
                place = f"{self.project}:{found.dataset}"
                raise GoogleError(404, "notFound", f"Not found: Dataset {place} was not found in location {location}")
            alias = table.alias or found.name
            table.replace(exp.alias_(_sql(found.sql(self._rows(view))).subquery(), alias, table=True))
            used = found
        return used

    def _rows(self, view: View) -> str:
        seen = view.now - timedelta(days=1) if view.fault == "late_day" else view.now
        path = str(self._path).replace("'", "''")
        base = f"SELECT * FROM read_parquet('{path}') WHERE export_time <= {_instant(seen)}"
        if view.fault == "empty":
            return f"{base} AND FALSE"
        if view.fault == "restated_day":
            return f"{base} UNION ALL {_restatement(base, view.now)}"
        if view.fault == "streaming":
            waiting = f"CASE WHEN export_time > {_instant(view.now - STREAMED)} THEN NULL ELSE {PARTITION} END"
            return f"SELECT * REPLACE ({waiting} AS {PARTITION}) FROM ({base})"
        if view.fault == "wrong_schema":
            return f"SELECT * RENAME ({RENAMED[0]} AS {RENAMED[1]}) FROM ({base})"
        return base

    def _bytes(self, table: ServedTable, tree: exp.Expr, view: View, named: frozenset[str]) -> int:
        row = sum(width(item.type) for item in table.schema if item.name != PARTITION and item.name in named)
        pruning = [
            condition
            for where in tree.find_all(exp.Where)
            for condition in _conjuncts(where.this)
            if _prunes(condition)
        ]
        return self._count(table, view, pruning) * row

    def _count(self, table: ServedTable, view: View, conditions: Sequence[exp.Expr]) -> int:
        rows = _sql(table.sql(self._rows(view)))
        query = exp.select("count(*)").from_(exp.alias_(rows.subquery(), "export", table=True))
        for condition in conditions:
            query = query.where(condition.copy())
        _spell_partition_date(query)
        with self._cursor() as cursor:
            row = cursor.execute(query.sql(dialect="duckdb")).fetchone()
        return int(row[0]) if row else 0


def _sql(text: str) -> Any:
    return sqlglot.parse_one(text, read="duckdb")


def _instant(moment: datetime) -> str:
    return f"CAST('{moment.isoformat()}' AS TIMESTAMPTZ)"


def _restatement(base: str, now: datetime) -> str:
    """Rows that take back a day of ten days ago and bill it a tenth higher, exported today."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    first, last = (_instant(today - timedelta(days=days)) for days in (10, 9))
    day = f"usage_start_time >= {first} AND usage_start_time < {last}"
    stamps = f"{_instant(now)} AS export_time, {_instant(today)} AS {PARTITION}"
    back = f"SELECT * REPLACE (-cost AS cost, [] AS credits, {stamps}) FROM ({base}) WHERE {day}"
    again = f"SELECT * REPLACE (round(cost * 1.1, 6) AS cost, [] AS credits, {stamps}) FROM ({base}) WHERE {day}"
    return f"{back} UNION ALL {again}"


def _bind(tree: exp.Expr, parameters: Sequence[Mapping[str, Any]]) -> exp.Expr:
    values = {item["name"]: _value(item["parameterType"], item["parameterValue"]) for item in parameters}
    for parameter in list(tree.find_all(exp.Parameter)):
        name = parameter.name
        if name not in values:
            raise GoogleError(400, "invalidQuery", f"Query parameter '{name}' not found")
        parameter.replace(values[name].copy())
    return tree


def _value(kind: Mapping[str, Any], value: Mapping[str, Any]) -> exp.Expr:
    if kind["type"] == "ARRAY":
        return exp.array(*[_value(kind["arrayType"], item) for item in value.get("arrayValues", [])])
    target = exp.DataType.build(kind["type"], dialect="bigquery")
    return exp.cast(exp.Literal.string(value["value"]), target)


def _spell_partition_date(tree: exp.Expr) -> None:
    for column in list(tree.find_all(exp.Column)):
        if column.name == PARTITION_DATE:
            column.replace(exp.cast(exp.column(PARTITION, table=column.table or None), "date"))


def _conjuncts(condition: exp.Expr) -> list[exp.Expr]:
    if isinstance(condition, exp.And):
        return [*_conjuncts(condition.left), *_conjuncts(condition.right)]
    return [condition]


def _prunes(condition: exp.Expr) -> bool:
    columns = {column.name for column in condition.find_all(exp.Column)}
    return bool(columns) and columns <= {PARTITION, PARTITION_DATE} and condition.find(exp.Subquery, exp.Select) is None


def _first_line(error: duckdb.Error) -> str:
    text = str(error).splitlines()[0]
    if "Referenced column" in text:
        return "Unrecognized name: " + text.split('"')[1]
    return text
