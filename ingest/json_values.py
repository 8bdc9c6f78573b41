"""Values of logged JSON objects: times, counts, money and labels, each read strictly or refused with its reason."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from ingest.run import YEARS

LONGEST_LABEL = 256
LONGEST_TEXT = 1024


class UnreadableRow(ValueError):
    """An object that cannot be a row; says why, without its full stop."""


def labels(found: object) -> list[tuple[str, str]] | None:
    """The short plain values of a mapping of labels: what could be a text of people is left out."""
    kept: dict[str, str] = {}
    for key, value in mapping(found).items():
        if isinstance(value, (str, int)) and not isinstance(value, bool) and len(str(value)) <= LONGEST_LABEL:
            kept[clean(str(key)[:LONGEST_LABEL])] = clean(str(value))
    return list(kept.items()) or None


def moment(value: object, name: str) -> datetime:
    """A time as seconds since 1970, or as ISO 8601 text (UTC where it names no zone).

    Raises:
        UnreadableRow: it is neither, or lies outside of the years 2000 to 2199.
    """
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            read = datetime.fromisoformat(value)
            found = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        elif isinstance(value, (str, int, Decimal)) and not isinstance(value, bool):
            found = datetime.fromtimestamp(float(value), UTC)
        else:
            raise UnreadableRow(f"its {name} {value!r} is no time")
    except (ValueError, OverflowError, OSError) as error:
        raise UnreadableRow(f"its {name} {value!r} is no time") from error
    if found.year not in YEARS:
        raise UnreadableRow(f"its {name} {value!r} lies outside of the years {YEARS[0]} to {YEARS[-1]}")
    return found


def count(value: object, name: str, *, most: int = 2**53) -> int | None:
    """A token count; None where it is absent.

    Raises:
        UnreadableRow: it is no whole number from 0 up.
    """
    if value is None or value == "":
        return None
    try:
        exact = None if isinstance(value, (bool, float)) else Decimal(str(value))
    except InvalidOperation:
        exact = None
    if exact is None or not exact.is_finite() or not 0 <= exact < most or exact != exact.to_integral_value():
        raise UnreadableRow(f"its {name} {value!r} is no count")
    return int(exact)


def cost(value: object) -> str | None:
    """A cost in USD as text; None where it is absent.

    Raises:
        UnreadableRow: it is no number.
    """
    if value is None or value == "":
        return None
    try:
        exact = Decimal(str(value))
    except InvalidOperation as error:
        raise UnreadableRow(f"its cost {value!r} is no number") from error
    if exact.is_finite() and exact == 0:
        # OpenAI writes nothing as 0E-6176
        return "0"
    if isinstance(value, bool) or not exact.is_finite() or abs(exact) >= 10**9 or exact.adjusted() < -40:
        raise UnreadableRow(f"its cost {value!r:.80} is no amount of money")
    return f"{exact:f}"


def known_cost(value: object) -> Decimal | None:
    """The cost of a row that is set apart, where it can be read."""
    try:
        found = cost(value)
    except UnreadableRow:
        return None
    return Decimal(found) if found is not None else None


def text(value: object) -> str | None:
    """A plain value as text, None where it is absent, blank or no plain value."""
    if isinstance(value, (dict, list)) or value is None:
        return None
    return clean(str(value).strip()[:LONGEST_TEXT]) or None


def clean(found: str) -> str:
    """Text that can be stored: JSON may hold halves of a character."""
    return found.encode("utf-8", "replace").decode()


def whole_characters(value: Any) -> Any:
    """A JSON value whose texts can all be stored; an emoji that was cut in two becomes a question mark."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [whole_characters(item) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        return {clean(str(key)): whole_characters(item) for key, item in cast(dict[str, Any], value).items()}
    return value


def mapping(value: object) -> Mapping[str, Any]:
    """An object's fields, none where it is no object."""
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}
