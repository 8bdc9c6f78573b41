"""Finds slow growth that no single day gives away: the last week against the weeks before it."""

from dataclasses import dataclass

import numpy as np

from signals.arrays import MAD_TO_SIGMA, Flags, Floats

WEEK = 7
WEEKS_COMPARED = 4
NOISE_DAYS = 28


@dataclass(frozen=True)
class CreepRule:
    """A creep is found when every one of the last weeks moved by `step` at least and all together by `total`.

    `absolute` is the least change of the daily mean, in the unit of the series, `sigmas` the least one in standard
    deviations of the difference of two weeks. It lasts until a week moves less than half a `step`.
    """

    step: float = 0.04
    total: float = 0.35
    absolute: float = 15.0
    sigmas: float = 5.0


@dataclass(frozen=True)
class Creep:
    """Steps [first, last] of a series that drifted; `expected` is the week before `first`, repeated."""

    series: int
    side: int
    first: int
    detected: int
    last: int
    is_open: bool
    expected: Floats


def find_creeps(clean: Floats, expected: Floats, judgeable: Flags, rule: CreepRule) -> list[Creep]:
    """Creeps in daily series whose sudden anomalies are already replaced by what was expected (`clean`).

    `expected` is what the days before each day led one to expect of it: its errors say how much a week may differ by
    chance.
    """
    creeps: list[Creep] = []
    weekly = _weekly_means(clean)
    for series in range(len(clean)):
        last = _last_judged(judgeable[series])
        for side in (1, -1):
            step = WEEK * WEEKS_COMPARED - 1
            while step <= last:
                creep = _creep_from(clean, weekly, rule, (series, side, step, last))
                if creep is not None and not _stands_out(clean, expected, weekly, rule, creep):
                    creep = None
                if creep is not None:
                    creeps.append(creep)
                    step = creep.last
                step += 1
    return creeps


def _weekly_means(clean: Floats) -> Floats:
    """Mean of the seven days that end at each step; NaN before there are seven."""
    means = np.full(clean.shape, np.nan)
    if clean.shape[1] >= WEEK:
        windows = np.lib.stride_tricks.sliding_window_view(clean, WEEK, axis=1)
        means[:, WEEK - 1 :] = windows.mean(axis=2)
    return means


def _last_judged(judgeable: Flags) -> int:
    days = np.flatnonzero(judgeable)
    return int(days[-1]) if len(days) else -1


def _creep_from(clean: Floats, weekly: Floats, rule: CreepRule, place: tuple[int, int, int, int]) -> Creep | None:
    series, side, step, last = place
    weeks = weekly[series, step - WEEK * np.arange(WEEKS_COMPARED)]
    if not _drifts(weeks, side, rule):
        return None
    end = step
    while end + 1 <= last and _moves(weekly[series, end + 1], weekly[series, end + 1 - WEEK], side, rule.step / 2):
        end += 1
    first = step - WEEK * (WEEKS_COMPARED - 1) + 1
    base = clean[series, first - WEEK : first]
    expected = base[np.arange(end - first + 1) % WEEK]
    return Creep(series, side, first, step, end, end == last, expected)


def _stands_out(clean: Floats, expected: Floats, weekly: Floats, rule: CreepRule, creep: Creep) -> bool:
    """Whether the first and the last week differ by more than the noise of two weekly means."""
    days = slice(max(0, creep.detected + 1 - NOISE_DAYS), creep.detected + 1)
    errors = np.abs(clean[creep.series, days] - expected[creep.series, days])
    sigma = MAD_TO_SIGMA * float(np.median(errors[~np.isnan(errors)])) * np.sqrt(2 / WEEK)
    rise = abs(weekly[creep.series, creep.detected] - weekly[creep.series, creep.first - 1])
    return bool(rise >= rule.sigmas * sigma)


def _drifts(weeks: Floats, side: int, rule: CreepRule) -> bool:
    if np.isnan(weeks).any() or min(weeks[0], weeks[-1]) <= 0:
        return False
    each = all(_moves(weeks[n], weeks[n + 1], side, rule.step) for n in range(len(weeks) - 1))
    all_together = _moves(weeks[0], weeks[-1], side, rule.total)
    return bool(each and all_together and abs(weeks[0] - weeks[-1]) >= rule.absolute)


def _moves(later: float, earlier: float, side: int, by: float) -> bool:
    high, low = (later, earlier) if side > 0 else (earlier, later)
    return bool(high >= low * (1 + by))
