"""Values of exported cost files: everything as text, days in the two ways Azure writes them, amounts that fit money."""

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute

from ingest.errors import CorruptFile
from ingest.run import YEARS

pc: Any = pyarrow.compute
_LARGEST = Decimal(10) ** 20
_DAYS = (("%Y-%m-%d", r"^\s*(\d{4}-\d{2}-\d{2})([T ].*)?$"), ("%m/%d/%Y", r"^\s*(\d{1,2}/\d{1,2}/\d{4})( .*)?$"))
_DAY_FIRST = re.compile(r"\s*(1[3-9]|2\d|3[01])/(0?[1-9]|1[0-2])/\d{4}\b")
_text = pa.string()


def text_of(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return text_of(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%S")
    if pa.types.is_nested(kind):
        return pa.chunked_array([pa.array([_json(value) for value in column.to_pylist()], _text)])
    try:
        return column.cast(_text)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise CorruptFile(f"a column of type {kind} cannot be read as text: {error}.", "Export it again.") from error


def _json(value: Any) -> str | None:
    if value is None:
        return None
    # a map comes as a list of pairs
    is_map = isinstance(value, list) and all(isinstance(item, tuple) for item in cast(list[Any], value))
    return json.dumps(dict(cast(list[Any], value)) if is_map else value, default=str)


def days_of(column: Any) -> list[date | None]:
    """The day in each text, ISO or as Enterprise Agreement files write it; None where there is none."""
    days = {text: _day(text) for text in cast(list[Any], pc.unique(column).to_pylist())}
    return [days[text] for text in column.to_pylist()]


def refuse_day_first(column: Any, name: str) -> None:
    """Raise CorruptFile where a day like 25/11/2026 stands: the file's other days may read as another month's."""
    for text in cast(list[Any], pc.unique(column).to_pylist()):
        if _DAY_FIRST.match(text or ""):
            raise CorruptFile(
                f"{name} writes the day before the month ({text[:20]}), so 05/11 would be read as the eleventh of May.",
                "Export it again: Azure's own files have ISO or American dates, a spreadsheet may have changed them.",
            )


def _day(text: str | None) -> date | None:
    for form, pattern in _DAYS:
        match = re.match(pattern, text or "")
        if match:
            try:
                day = datetime.strptime(match[1], form).replace(tzinfo=UTC).date()
            except ValueError:
                return None
            return day if day.year in YEARS else None
    return None


def amount_of(text: str | None) -> Decimal | None:
    """A number that fits into money; None for everything else."""
    try:
        amount = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    is_known = amount.is_finite() and re.fullmatch(r"[-+0-9.eE]+", (text or "").strip()) is not None
    return amount if is_known and abs(amount) < _LARGEST else None


def account_of(text: str | None) -> str | None:
    match = re.search(r"/billingaccounts/([^/]+)", text or "", re.IGNORECASE)
    return (match[1] if match else (text or "").strip()).lower() or None
