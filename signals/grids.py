"""The two time grids the detector knows: days with a week in them, hours with a day and a week in them."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from signals.arrays import Flags

DAYS_OF_WARM_UP = 21
DAYS_BEFORE_A_LEVEL_IS_ACCEPTED = 14
HOURS_PER_DAY, HOURS_PER_WEEK = 24, 168


@dataclass(frozen=True)
class Season:
    """A repeating shape: `slots[t]` says which of its `count` positions step t is in."""

    slots: NDArray[np.int64]
    count: int
    cycle: int
    depth: int
    is_additive: bool = False


@dataclass(frozen=True)
class Candidate:
    """One forecast: the shape `season` (an index) on the median of the last `window` deseasonalised steps."""

    season: int
    window: int


@dataclass(frozen=True)
class Grid:
    """How the steps of all series lie in time. Lengths are in steps."""

    seasons: tuple[Season, ...]
    candidates: tuple[Candidate, ...]
    warm_up: int
    memory: int
    accept_after: int
    refresh: int
    month_ends: Flags | None = None


def daily_grid(first: date, days: int, accept_after: int = DAYS_BEFORE_A_LEVEL_IS_ACCEPTED) -> Grid:
    """Days from `first` on: shape by weekday, recent level over one and three weeks, month ends known."""
    weekdays = (np.arange(days) + first.weekday()) % 7
    dates = [first + timedelta(days=offset) for offset in range(days)]
    return Grid(
        seasons=(
            Season(weekdays, count=7, cycle=7, depth=8),
            Season(weekdays, count=7, cycle=7, depth=8, is_additive=True),
            Season(np.zeros(days, dtype=np.int64), count=1, cycle=7, depth=1),
        ),
        candidates=(
            Candidate(0, 7),
            Candidate(0, 21),
            Candidate(1, 7),
            Candidate(1, 21),
            Candidate(2, 7),
            Candidate(2, 21),
        ),
        warm_up=DAYS_OF_WARM_UP,
        memory=42,
        accept_after=accept_after,
        refresh=1,
        month_ends=np.array([(day + timedelta(days=1)).day == 1 for day in dates]),
    )


def hourly_grid(first_hour_of_week: int, hours: int) -> Grid:
    """Hours from `first_hour_of_week` (0 = Monday 00:00 UTC) on: shape by hour of the day, and of the week when
    known.
    """
    of_week = (np.arange(hours) + first_hour_of_week) % HOURS_PER_WEEK
    of_day = of_week % HOURS_PER_DAY
    seasons = (
        Season(of_day, count=24, cycle=24, depth=14),
        Season(of_day, count=24, cycle=24, depth=14, is_additive=True),
        Season(of_week, count=168, cycle=168, depth=6),
        Season(of_week, count=168, cycle=168, depth=6, is_additive=True),
        Season(np.zeros(hours, dtype=np.int64), count=1, cycle=24, depth=1),
    )
    windows = ((0, 24), (0, 168), (1, 24), (2, 24), (2, 168), (3, 168), (4, 24))
    return Grid(
        seasons=seasons,
        candidates=tuple(Candidate(season, window) for season, window in windows),
        warm_up=(14 if hours >= 28 * HOURS_PER_DAY else 7) * HOURS_PER_DAY,
        memory=14 * HOURS_PER_DAY,
        accept_after=7 * HOURS_PER_DAY,
        refresh=HOURS_PER_DAY,
    )
