"""Judges regular series online: every point against what the points before it lead one to expect.

Several simple forecasts (a seasonal shape times or plus a recent level) run side by side. For each series the one whose
own one-step errors were smallest so far is used, and the width of the band comes from those errors: they never contain
the tested point, because each forecast was made before its point was seen. Points judged anomalous are replaced by
their forecast in the baseline, so an incident does not teach the detector that it is normal, until it has lasted
`accept_after` steps.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signals.arrays import MAD_TO_SIGMA, TINY, Flags, Floats, mean_where, median_of, quantile_of_sorted
from signals.baseline import Baseline, accept_new_level, forecast, learn, start, with_silence
from signals.grids import Grid

TAIL_SHARE = 0.9  # low enough that two freak days in a month do not make it
TAIL_CAP = 6.0
MONTH_ENDS_NEEDED = 2
MONTH_END_TOLERANCE = 0.3  # share of what is expected by which a usual month end may differ


@dataclass(frozen=True)
class Sensitivity:
    """When a distance is an anomaly: when it is beyond all of these.

    `sigmas` robust standard deviations of the series' past errors, `tail_factor` times their 90th percentile,
    `relative` times what is expected, `absolute` in the unit of the series. `floor_ratio` is the least standard
    deviation, as a share of what is expected.
    """

    sigmas: float = 3.5
    tail_factor: float = 2.1
    relative: float = 0.0
    absolute: float = 0.0
    floor_ratio: float = 0.01


@dataclass
class Judgement:
    """Per series (row) and step (column). NaN where nothing could be expected yet."""

    expected: Floats
    lower: Floats
    upper: Floats
    is_anomaly: Flags


def judge(values: Floats, grid: Grid, sensitivity: Sensitivity) -> Judgement:
    """Judge `values` (series x steps). NaN is a step that is not known: neither judged nor learned from."""
    series, steps = values.shape
    base = start(values, grid)
    expectations, lower, upper = (np.full(values.shape, np.nan) for _ in range(3))
    result = Judgement(expectations, lower, upper, np.zeros(values.shape, dtype=bool))
    seen = np.zeros(series, dtype=np.int64)
    picked = np.zeros(series, dtype=np.int64)
    spread = np.full((series, 4), np.nan)
    is_signed = np.zeros(series, dtype=bool)
    for step in range(steps):
        forecasts = forecast(base, grid, step)
        if step % grid.refresh == 0:
            picked = np.argmin(base.scores, axis=0)
            spread = _spread(base, grid, picked, step)
            # A series around zero has no size that its noise could grow with.
            spread[is_signed, 3] = 0.0
        expected = with_silence(base, grid, step, forecasts, forecasts[picked, np.arange(series)])
        reach = _reach(expected, spread, sensitivity)
        actual = values[:, step]
        if grid.month_ends is not None and grid.month_ends[step]:
            expected, reach = _with_month_end(base, grid, step, expected, actual, reach)
        distance = actual - expected
        with np.errstate(invalid="ignore"):
            outside = (np.abs(distance) > reach) & (seen >= grid.warm_up)
        result.expected[:, step] = expected
        result.lower[:, step] = np.where(is_signed, expected - reach, np.maximum(expected - reach, 0.0))
        result.upper[:, step] = expected + reach
        result.is_anomaly[:, step] = outside
        learn(base, grid, step, forecasts, expected, outside)
        accept_new_level(base, grid, step)
        seen += ~np.isnan(actual)
        is_signed |= actual < 0
    return result


def _spread(base: Baseline, grid: Grid, picked: NDArray[np.int64], step: int) -> Floats:
    """Robust sigma and 90th percentile of the picked forecast's past errors, and how both grow with the expected value.

    Columns: sigma, tail, the median size of the values, and the share of the spread that is proportional to it (0..1).
    """
    first = max(0, step - grid.memory)
    series = len(base.values)
    spread = np.full((series, 4), np.nan)
    if first == step:
        return spread
    for index in np.unique(picked):
        rows = np.flatnonzero(picked == index)
        errors = np.abs(base.errors[index][rows, first:step])
        sizes = np.abs(base.clean[rows, first:step])
        sizes = np.where(np.isnan(errors), np.nan, sizes)
        ordered = np.sort(errors, axis=1)
        count = np.sum(~np.isnan(ordered), axis=1)
        small_sample = 1.0 + 3.0 / np.maximum(count, 1)
        spread[rows, 0] = np.where(count >= 5, MAD_TO_SIGMA * quantile_of_sorted(ordered, 0.5) * small_sample, np.nan)
        spread[rows, 1] = quantile_of_sorted(ordered, TAIL_SHARE)
        typical = median_of(sizes)
        spread[rows, 2] = typical
        spread[rows, 3] = _proportionality(errors, sizes, typical)
    return spread


def _proportionality(errors: Floats, sizes: Floats, typical: Floats) -> Floats:
    """How much of the error grows with the size of the value: 0 constant noise, 1 noise in proportion."""
    known = ~np.isnan(errors) & ~np.isnan(sizes)
    ceiling = TAIL_CAP * median_of(errors)[:, None]
    mean_error, mean_size = mean_where(np.minimum(errors, ceiling), known), mean_where(sizes, known)
    off_error = np.minimum(errors, ceiling) - mean_error[:, None]
    off_size = sizes - mean_size[:, None]
    variance = mean_where(off_size**2, known)
    slope = mean_where(off_error * off_size, known) / np.maximum(variance, TINY)
    share = slope * typical / np.maximum(mean_error + slope * (typical - mean_size), TINY)
    # Where sizes hardly differ, either reading gives the same band.
    is_varied = np.sqrt(variance) > 0.1 * mean_size
    return np.clip(np.where(is_varied, np.nan_to_num(share), 0.5), 0.0, 1.0)


def _reach(expected: Floats, spread: Floats, sensitivity: Sensitivity) -> Floats:
    sigma, tail, typical, share = spread.T
    size = np.abs(expected)
    scale = (1.0 - share) + share * size / np.maximum(typical, TINY)
    floor = sensitivity.floor_ratio * np.maximum(size, 0.2 * typical)
    width = np.maximum(sensitivity.sigmas * np.maximum(sigma * scale, floor), sensitivity.tail_factor * tail * scale)
    return np.maximum(np.maximum(width, sensitivity.relative * size), max(sensitivity.absolute, TINY))


def _with_month_end(
    base: Baseline, grid: Grid, step: int, expected: Floats, actual: Floats, reach: Floats
) -> tuple[Floats, Floats]:
    """Expect the usual extra of a month's last day, where earlier ones had it alike and this one has it too.

    Returns what is expected and its reach; a month's last day without the extra is judged like any other day.
    """
    earlier = np.flatnonzero(np.asarray(grid.month_ends)[:step])
    if len(earlier) < MONTH_ENDS_NEEDED:
        return expected, reach
    levels = np.stack([_level_around(base, grid, day, step) for day in earlier.tolist()], axis=1)
    actuals = base.values[:, earlier]
    with np.errstate(invalid="ignore", divide="ignore"):
        extra, ratio = median_of(actuals - levels), median_of(actuals / levels)
        # A batch comes on top of the day's traffic; a busy day multiplies it. Whichever explains this month's end.
        choices = ((expected + extra, levels + extra[:, None]), (expected * ratio, levels * ratio[:, None]))
        for usual, seen in choices:
            stood_out = (np.abs(actuals - levels) > reach[:, None]) & (np.abs(actuals - seen) <= 0.5 * np.abs(seen))
            wider = np.maximum(reach, MONTH_END_TOLERANCE * np.abs(usual))
            is_usual = (stood_out.sum(axis=1) >= MONTH_ENDS_NEEDED) & (np.abs(actual - usual) <= wider)
            is_usual &= np.abs(actual - usual) < np.abs(actual - expected)
            expected, reach = np.where(is_usual, usual, expected), np.where(is_usual, wider, reach)
    return expected, reach


def _level_around(base: Baseline, grid: Grid, day: int, step: int) -> Floats:
    """What the fortnight before and after a past day led one to expect of it."""
    season = grid.seasons[0]
    first, last = max(0, day - 14), min(step, day + 15)
    around = np.delete(base.level_base[:, first:last], day - first, axis=1)
    factors = np.delete(base.shapes[0][:, season.slots[first:last]], day - first, axis=1)
    level = median_of(np.divide(around, factors, out=np.full_like(around, np.nan), where=factors > 0.1))
    return level * base.shapes[0][:, season.slots[day]]
