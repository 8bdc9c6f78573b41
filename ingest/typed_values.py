"""Text and JSON values as the values of Arrow types, one by one, for rows of files that carry no types.

A value that is none of its type is an UnreadableError with its place, for the quarantine; nothing is guessed. Records
and lists may come as JSON text, as a CSV holds them. Numbers keep their shortest text: a float is the one that BigQuery
would send, a decimal is rounded half to even at its last digit.
"""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any, cast

import pyarrow as pa

from ingest.arrow import Field
from ingest.run import YEARS

Convert = Callable[[Any], Any]
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_LONGEST = 60


class UnreadableError(ValueError):
    """A value that is none of its column's type; the message is a sentence without its full stop."""

    def __init__(self, place: str, value: object, kind: str) -> None:
        text = str(value)
        super().__init__(f"{place} is {text[:_LONGEST]!r}, which is no {kind}")


def converter(place: str, kind: Any) -> Convert:
    """What turns a value at `place` into one of the Arrow type `kind`; NULL stays NULL. It raises UnreadableError."""
    types: Any = pa.types
    if types.is_struct(kind):
        return _record(place, kind)
    if types.is_list(kind):
        return _list(place, kind)
    for is_kind, convert in (
        (types.is_timestamp, _instant),
        (types.is_floating, _double),
        (types.is_decimal, _decimal),
    ):
        if is_kind(kind):
            return convert(place, kind)
    return _text(place)


def number(value: object) -> Decimal:
    """A number from JSON or text, exactly. Raises ValueError for anything else, and for infinities."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise ValueError(f"{value!r} is no number")
    try:
        found = Decimal(repr(value) if isinstance(value, float) else str(value).strip())
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is no number") from error
    if not found.is_finite():
        raise ValueError(f"{value!r} is no number")
    return found


def _text(place: str) -> Convert:
    def convert(value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, (bool, int, Decimal)):
            return str(value)
        raise UnreadableError(place, value, "text")

    return convert


def _double(place: str, _: Any) -> Convert:
    def convert(value: Any) -> float | None:
        if value is None or value == "":
            return None
        try:
            found = float(number(value))
        except (ValueError, OverflowError) as error:
            raise UnreadableError(place, value, "number") from error
        if not math.isfinite(found):
            raise UnreadableError(place, value, "number")
        return found

    return convert


def _decimal(place: str, kind: Any) -> Convert:
    last = Decimal(1).scaleb(-kind.scale)
    most = Decimal(10) ** (kind.precision - kind.scale)

    def convert(value: Any) -> Decimal | None:
        if value is None or value == "":
            return None
        try:
            found = number(value).quantize(last, context=_CONTEXT)
        except (ValueError, InvalidOperation) as error:
            raise UnreadableError(place, value, "number") from error
        if abs(found) >= most:
            raise UnreadableError(place, value, "number")
        return found

    return convert


def _instant(place: str, _: Any) -> Convert:
    def convert(value: Any) -> datetime | None:
        if value is None or value == "":
            return None
        if isinstance(value, datetime):
            moment = value
        else:
            try:
                moment = datetime.fromisoformat(str(value).strip().replace(" UTC", "+00:00"))
            except ValueError as error:
                raise UnreadableError(place, value, "time") from error
        if moment.year not in YEARS:
            raise UnreadableError(place, value, f"time of the years {YEARS[0]} to {YEARS[-1]}")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    return convert


def _record(place: str, kind: Any) -> Convert:
    items = cast("list[Field]", list(kind))
    parts = [(item.name, converter(f"{place}.{item.name}", item.type)) for item in items]

    def convert(value: Any) -> dict[str, Any] | None:
        found = _from_json(place, value, "record")
        if found is None:
            return None
        if not isinstance(found, Mapping):
            raise UnreadableError(place, value, "record")
        mapping = cast("Mapping[str, Any]", found)
        return {name: part(mapping.get(name)) for name, part in parts}

    return convert


def _list(place: str, kind: Any) -> Convert:
    part = converter(place, kind.value_type)

    def convert(value: Any) -> list[Any]:
        found = _from_json(place, value, "list")
        if isinstance(found, Mapping) and len(cast("Mapping[str, Any]", found)) == 1:
            # some writers of Parquet show the repeated group itself
            found = cast("Mapping[str, Any]", found).get("list", found)
        if found is None:
            return []
        if not isinstance(found, list):
            raise UnreadableError(place, value, "list")
        return [part(_unwrapped(item)) for item in cast("list[Any]", found)]

    return convert


def _unwrapped(item: Any) -> Any:
    if isinstance(item, Mapping) and len(cast("Mapping[str, Any]", item)) == 1:
        mapping = cast("Mapping[str, Any]", item)
        return mapping.get("element", mapping.get("item", mapping))
    return cast(Any, item)


def _from_json(place: str, value: Any, kind: str) -> Any:
    """A record or list that may stand as JSON text."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        return json.loads(value, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(place, value, kind) from error
