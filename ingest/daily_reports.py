"""Reports of a provider by day: which days to ask for, and their rows as one window a day.

A window is one UTC day of one organisation, replaced whole. Neither provider says for how long a day can still move; a
week is read again with each run, which costs one request more a report.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from ingest.contracts import Context, LoadResult, StreamContract
from ingest.run import Window, day_start, days

TRAILING_DAYS = 7
Row = tuple[datetime, dict[str, Any]]


def due(context: Context, contract: StreamContract, scope: str, window: Window | None) -> Window:
    """Whole days: those of `window`, or the backfill at first and then the trailing days."""
    as_of = context.run.as_of
    if window is not None:
        touched = list(days(window))
        return Window(touched[0].start, touched[-1].end)
    landed = context.landing.windows(contract, scope)
    first = as_of - timedelta(days=context.config.backfill_days)
    if landed:
        first = max(first, day_start(date.fromisoformat(landed[-1])) - timedelta(days=TRAILING_DAYS))
    return Window(day_start(first.date()), day_start(as_of.date() + timedelta(days=1)))


def spans(window: Window, longest: int) -> Iterator[Window]:
    """`window` in parts of at most `longest` days, which is what one answer may hold."""
    start = window.start
    while start < window.end:
        end = min(window.end, start + timedelta(days=longest))
        yield Window(start, end)
        start = end


def land_days(
    context: Context, contract: StreamContract, scope: str, window: Window, fetch: Callable[[Window], Iterator[Row]],
    longest: int,
) -> tuple[list[LoadResult], datetime | None]:  # fmt: skip
    """Replace each day of `window` by what `fetch` yields for it; returns the end of the newest day with a row.

    A day without any row leaves no file, unless one was landed: then it must not be empty now.
    """
    results: list[LoadResult] = []
    newest: datetime | None = None
    landed = set(context.landing.windows(contract, scope))
    parts = list(spans(window, longest))
    for number, part in enumerate(parts):
        context.progress(f"{contract.source} {contract.stream}", number, len(parts))
        by_day: dict[date, list[dict[str, Any]]] = {}
        for moment, row in fetch(part):
            if part.start <= moment < part.end:
                by_day.setdefault(moment.date(), []).append(row)
        for day in days(part):
            rows = by_day.get(day.start.date(), [])
            if not rows and f"{day.start:%Y-%m-%d}" not in landed:
                continue
            table = pa.Table.from_pylist(rows, schema=contract.schema)
            results.append(context.landing.write(contract, scope=scope, window=day, batches=[table]))
            if rows:
                newest = max(day.end, newest or day.end)
    context.progress(f"{contract.source} {contract.stream}", len(parts), len(parts))
    return results, newest
