"""Tables of the local Google Cloud as the files that a person exports from BigQuery."""

import csv
import gzip
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from emulator.gcp import served


def table(folder: Path, now: datetime, kind: str = "detailed", account: str | None = None) -> pa.Table:
    """What a table of the export holds at a time, without its partitions; `account` replaces the billing account."""
    path = str(folder / "export.parquet")
    rows = f"FROM read_parquet('{path}') WHERE export_time <= TIMESTAMPTZ '{now.isoformat()}'"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        selected = connection.sql(served.served_tables(_place(folder), (kind,), lambda _: None)[0].sql(rows))
        found = selected.to_arrow_table().drop_columns([served.PARTITION])
    if account is None:
        return found
    name = "BillingAccountId" if kind == "focus" else "billing_account_id"
    index = found.schema.get_field_index(name)
    return found.set_column(index, name, pa.repeat(pa.scalar(account), found.num_rows))


def _place(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "export.json").read_text(encoding="utf-8"))


def write_parquet(rows: pa.Table, path: Path) -> Path:
    """As BigQuery extracts Parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path)
    return path


def write_json_lines(rows: pa.Table | list[dict[str, Any]], path: Path) -> Path:
    """As BigQuery extracts JSON: NULL fields left out, NUMERIC as text, times in words; gzipped by its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    records = rows.to_pylist() if isinstance(rows, pa.Table) else rows
    text = "".join(json.dumps(_as_json(record), ensure_ascii=False) + "\n" for record in records).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def write_csv(rows: pa.Table, path: Path) -> Path:
    """Nested columns as JSON text, as `TO_JSON_STRING` makes them; with a byte order mark, as spreadsheets leave it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(rows.column_names)
        for record in rows.to_pylist():
            cells = [_as_json(value) for value in record.values()]
            writer.writerow([json.dumps(cell) if isinstance(cell, (dict, list)) else cell for cell in cells])
    return path


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_json(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S.%f} UTC" if value.microsecond else f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return str(value) if isinstance(value, Decimal) else value
