"""The run that a load belongs to, and the half-open UTC windows it loads."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

# what a bill or a log can speak of: a date outside of them is a slip, as 0001-01-01 and 9999-12-31 are
YEARS = range(2000, 2200)


@dataclass(frozen=True)
class Run:
    """One run of the pipeline.

    Attributes:
        run_id: names the run in landing, state and published file.
        as_of: the one clock of the run, aware UTC; no step asks the wall.
    """

    run_id: str
    as_of: datetime


@dataclass(frozen=True, order=True)
class Window:
    """A half-open span of UTC time, ``[start, end)``."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs aware datetimes")
        if self.start >= self.end:
            raise ValueError(f"a window ends after it starts: {self.start} .. {self.end}")

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d}..{self.end:%Y-%m-%d}"


def day_start(day: date) -> datetime:
    """Midnight UTC at the start of ``day``."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def month_start(moment: date) -> date:
    """First day of the month that holds ``moment``."""
    return date(moment.year, moment.month, 1)


def next_month(moment: date) -> date:
    """First day of the month after the one that holds ``moment``."""
    return date(moment.year + moment.month // 12, moment.month % 12 + 1, 1)


def days(window: Window) -> Iterator[Window]:
    """The UTC days that touch ``window``, oldest first, each a whole day."""
    day = window.start.astimezone(UTC).date()
    while day_start(day) < window.end:
        yield Window(day_start(day), day_start(day + timedelta(days=1)))
        day += timedelta(days=1)


def months(window: Window) -> Iterator[Window]:
    """The calendar months (UTC) that touch ``window``, oldest first, each a whole month."""
    first = month_start(window.start.astimezone(UTC).date())
    while day_start(first) < window.end:
        yield Window(day_start(first), day_start(next_month(first)))
        first = next_month(first)
