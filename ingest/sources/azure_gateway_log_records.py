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
from ingest.file_rows import columns_of, is_parquet, json_rows, open_bytes, table_batches
from ingest.quarantine import Quarantine

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
    if is_parquet(path) or not _is_json(path):
        columns = [_plain(column, name) for column in columns_of(path, name)]
        return columns, (row for batch in table_batches(path, name, quarantine) for row in _named(batch, columns))
    rows = (flat for item in json_rows(path, name, quarantine) for flat in _flattened(item))
    first = list(islice(rows, LOOKED_AT))
    return list(dict.fromkeys(key for row in first for key in row)), chain(first, rows)


def _is_json(path: Path) -> bool:
    with open_bytes(path) as stream:
        try:
            start = stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
        except (OSError, EOFError):
            return False
    return start[:1] in (b"{", b"[")


def _plain(column: str, name: str) -> str:
    zone = _ZONE.search(column)
    if zone and zone[1].upper() != "UTC":
        raise SchemaChanged(
            f"{name}: column {column} is not in UTC.", "Set the portal's time zone to UTC and export again."
        )
    return _ZONE.sub("", column).strip().lower()


def _named(batch: Any, columns: list[str]) -> Iterator[Row]:
    return (dict(zip(columns, row.values(), strict=True)) for row in batch.to_pylist())


def _flattened(item: Row) -> Iterator[Row]:
    tables = item.get("tables")
    if isinstance(tables, list):
        for table in cast(list[Any], tables):
            names = [str(column["name"]).lower() for column in table.get("columns", [])]
            yield from (dict(zip(names, row, strict=False)) for row in table.get("rows", []))
        return
    if isinstance(item.get("records"), list):
        for record in cast(list[Row], item["records"]):
            yield from _flattened(record)
        return
    row = {key.lower(): value for key, value in item.items()}
    inner = row.get("properties")
    # a metric's properties are its dimensions; those of an archived log are its columns
    if isinstance(inner, dict) and "category" in row:
        row |= {str(key).lower(): value for key, value in cast(Row, inner).items()}
        row.setdefault("timegenerated", row.get("time"))
    yield row


def text_of(value: object) -> str:
    """A value as text, '' where there is none."""
    return "" if value is None else str(value).strip()


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
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise Unreadable(f"{text_of(value)[:40]!r} is no time") from None


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
    return {str(key): text_of(inner) for key, inner in cast(Row, parsed).items()}
