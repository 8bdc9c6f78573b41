"""What the typed configuration files share: words, dated entries, and the refusals across several values.

Dated entries hold half-open intervals: from `valid_from` up to, not including, `valid_to`; without `valid_to` they are
still valid.
"""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, Protocol

from pydantic import Field

from ingest.yaml_config import MisplacedError, Place, WholeNumber

Provider = Literal["aws", "gcp", "azure", "anthropic", "openai"]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Glob = Annotated[str, Field(min_length=1)]
Priority = Annotated[WholeNumber, Field(ge=1, le=10_000)]
SINCE_ALWAYS = date(1970, 1, 1)


class Dated(Protocol):
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...


def refuse_overlaps(
    group: str, keys: Sequence[tuple[str | None, ...]], entries: Sequence[Dated], *, gapless: bool = False
) -> None:
    """Raise MisplacedError when two entries of one key are valid on the same day, or an entry ends before it starts.

    With `gapless`, also when days are left out between two entries of one key.
    """
    for index, entry in enumerate(entries):
        if entry.valid_to is not None and entry.valid_to <= entry.valid_from:
            place: Place = (group, index, "valid_to")
            raise MisplacedError(place, f"{entry.valid_to} is not after valid_from {entry.valid_from}")
    order = sorted(range(len(entries)), key=lambda index: (str(keys[index]), entries[index].valid_from))
    for before, after in pairwise(order):
        if keys[before] != keys[after]:
            continue
        end, start = entries[before].valid_to, entries[after].valid_from
        what = " ".join(str(part) for part in keys[after] if part is not None)
        if end is None or end > start:
            close = f"give {group}[{before}] valid_to: {start}, or start this one later"
            raise MisplacedError((group, after, "valid_from"), f"{what}: overlaps {group}[{before}]; {close}")
        if gapless and end < start:
            raise MisplacedError((group, after, "valid_from"), f"{what}: no entry from {end} to {start}; close the gap")


def refuse_repeated_ids(group: str, ids: Sequence[str]) -> None:
    """Raise MisplacedError when an id stands twice in a group."""
    seen: set[str] = set()
    for index, value in enumerate(ids):
        if value in seen:
            raise MisplacedError((group, index, "id"), f"'{value}' is given twice")
        seen.add(value)


def refuse_unknown(place: Place, name: str, known: set[str], group: str) -> None:
    """Raise MisplacedError when a name is none of those that its group declares."""
    if name not in known:
        raise MisplacedError(place, f"'{name}' is not one of {group}: {', '.join(sorted(known))}")


def share_a_day(one: Dated, other: Dated) -> bool:
    """Whether two entries are valid on a same day."""
    starts_before_end = other.valid_to is None or one.valid_from < other.valid_to
    ends_after_start = one.valid_to is None or other.valid_from < one.valid_to
    return starts_before_end and ends_after_start
