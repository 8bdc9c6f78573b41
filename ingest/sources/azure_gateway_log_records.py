"""Rows of exported Azure tables, whichever way they left Azure: column names in lower case, values as they came.

CSV (the portal writes `TimeGenerated [UTC]` and American times), Parquet, JSON lines of a data export, records of a
diagnostic archive (`properties` inside), and the JSON of a query's answer (`tables` of columns and rows).
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import chain, islice
from pathlib import Path
from typing import Any, cast

from ingest.errors import SchemaChanged
from ingest.file_content import starts_as_json
from ingest.file_rows import columns_of, is_parquet, json_rows, table_batches
from ingest.json_values import clean
from ingest.quarantine import Quarantine
from ingest.run import YEARS

LOOKED_AT = 200
_ZONE = re.compile(r"\s*\[(.+)\]$")
_PORTAL_TIMES = ("%m/%d/%Y, %I:%M:%S.%f %p", "%m/%d/%Y, %I:%M:%S %p")
Row = dict[str, Any]


class Unreadable(ValueError):
    """A row cannot be taken; says why, without its full stop."""


def records(path: Path, name: str, quarantine: Quarantine) -> tuple[list[str], Iterator[Row]]:
    """The column names of a file and its rows.

    Raises:
        CorruptFile, EmptyAnswer: it cannot be read.
        SchemaChanged: its times are in an unnamed zone.
    """
    if is_parquet(path) or not starts_as_json(path):
        columns = [_plain(column, name) for column in columns_of(path, name)]
        return columns, (row for batch in table_batches(path, name, quarantine) for row in _named(batch, columns))
    rows = (flat for item in json_rows(path, name, quarantine) for flat in _flattened(item, name, quarantine))
    first = list(islice(rows, LOOKED_AT))
    return list(dict.fromkeys(key for row in first for key in row)), chain(first, rows)


def _plain(column: str, name: str) -> str:
    zone = _ZONE.search(column)
    if zone and zone[1].upper() != "UTC":
        raise SchemaChanged(
            f"{name}: column {column} is not in UTC.", "Set the portal's time zone to UTC and export again."
        )
    return _ZONE.sub("", column).strip().lower()


def _named(batch: Any, columns: list[str]) -> Iterator[Row]:
    return (dict(zip(columns, row.values(), strict=True)) for row in batch.to_pylist())


def _flattened(item: Row, file: str, quarantine: Quarantine) -> Iterator[Row]:
    tables, inner_records = item.get("tables"), item.get("records")
    if isinstance(tables, list):
        for table in cast(list[Any], tables):
            yield from _rows_of_table(table, file, quarantine)
        return
    if isinstance(inner_records, list):
        for record in cast(list[Any], inner_records):
            if isinstance(record, dict):
                yield from _flattened(cast(Row, record), file, quarantine)
            else:
                quarantine.put(file=file, reason="it is no JSON object", row=repr(record))
        return
    row = {key.lower(): value for key, value in item.items()}
    inner = row.get("properties")
    # a metric's properties are its dimensions; those of an archived log are its columns
    if isinstance(inner, dict) and "category" in row:
        row |= {str(key).lower(): value for key, value in cast(Row, inner).items()}
        row.setdefault("timegenerated", row.get("time"))
    yield row


def _rows_of_table(table: object, file: str, quarantine: Quarantine) -> Iterator[Row]:
    """The rows of a table in the answer of a query; what does not fit its columns is set apart."""
    found = cast(Row, table) if isinstance(table, dict) else {}
    columns, rows = found.get("columns"), found.get("rows")
    names = [
        str(cast(Row, column)["name"]).lower()
        for column in cast(list[Any], columns if isinstance(columns, list) else [])
        if isinstance(column, dict) and "name" in column
    ]
    if not isinstance(columns, list) or len(names) != len(cast(list[Any], columns)) or not isinstance(rows, list):
        quarantine.put(file=file, reason="it is a table without columns and rows", row=repr(cast(object, table)))
        return
    for row in cast(list[Any], rows):
        if isinstance(row, list) and len(cast(list[Any], row)) == len(names):
            yield dict(zip(names, cast(list[Any], row), strict=True))
        else:
            reason = f"it has not one value for each of {len(names)} columns"
            quarantine.put(file=file, reason=reason, row=repr(cast(object, row)))


def text_of(value: object) -> str:
    """A value as text that can be stored, '' where there is none."""
    return "" if value is None else clean(str(value).strip())


def whole_of(value: object) -> int | None:
    """A count; raises Unreadable when it is none or negative."""
    text = text_of(value)
    if not text:
        return None
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation:
        raise Unreadable(f"{text[:40]!r} is no count") from None
    if not number.is_finite() or number < 0 or number != number.to_integral_value() or number >= 2**62:
        raise Unreadable(f"{text[:40]!r} is no count")
    return int(number)


def moment_of(value: object) -> datetime:
    """A time in UTC; raises Unreadable when it is none."""
    moment = value if isinstance(value, datetime) else _parsed(text_of(value))
    if moment.year not in YEARS:
        raise Unreadable(f"{text_of(value)[:40]!r} lies outside of the years {YEARS[0]} to {YEARS[-1]}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in _PORTAL_TIMES:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the column is in UTC
        except ValueError:
            continue
    raise Unreadable(f"{text[:40]!r} is no time")


def properties_of(value: object) -> dict[str, str]:
    """The dimensions of a metric: a record, a map's pairs, or the JSON text of one."""
    if isinstance(value, list):
        return {str(key): text_of(inner) for key, inner in cast(list[tuple[Any, Any]], value)}
    if isinstance(value, dict):
        return {str(key): text_of(inner) for key, inner in cast(Row, value).items()}
    text = text_of(value)
    if not text:
        return {}
    try:
        parsed = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise Unreadable("its properties are no JSON") from None
    if not isinstance(parsed, dict):
        raise Unreadable("its properties are no JSON object")
    return {clean(str(key)): text_of(inner) for key, inner in cast(Row, parsed).items()}
