"""Judges regular series online: every point against what the points before it lead one to expect.

Several simple forecasts (a seasonal shape times or plus a recent level) run side by side. For each series the one whose
own one-step errors were smallest so far is used, and the width of the band comes from those errors: they never contain
the tested point, because each forecast was made before its point was seen. Points judged anomalous are replaced by
their forecast in the baseline, so an incident does not teach the detector that it is normal, until it has lasted
`accept_after` steps.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MAD_TO_SIGMA = 1.4826  # for a normal distribution; Rousseeuw and Croux 1993
MONTH_ENDS_NEEDED = 2
MONTH_END_TOLERANCE = 0.3  # share of what is expected by which a usual month end may differ
_TINY = 1e-12


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


@dataclass(frozen=True)
class Sensitivity:
    """When a distance is an anomaly: when it is beyond all of these.

    `sigmas` robust standard deviations of the series' past errors, `tail_factor` times their 95th percentile,
    `relative` times what is expected, `absolute` in the unit of the series. `floor_ratio` is the least standard
    deviation, as a share of what is expected.
    """

    sigmas: float = 3.8
    tail_factor: float = 1.75
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


@dataclass
class _Baseline:
    values: Floats
    clean: Floats
    level_base: Floats
    shapes: list[Floats]
    rings: list[Floats]
    filled: list[NDArray[np.int64]]
    levels: list[Floats]
    errors: list[Floats]
    scores: Floats
    flagged: NDArray[np.int8] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int8))


def median_of(rows: Floats) -> Floats:
    """Median of each row, NaN ignored; NaN for a row without numbers. Faster than numpy's nanmedian on short rows."""
    ordered = np.sort(rows, axis=1)
    return quantile_of_sorted(ordered, 0.5)


def quantile_of_sorted(ordered: Floats, share: float) -> Floats:
    """Quantile of rows sorted with NaN last, linear between neighbours; NaN for a row without numbers."""
    counts = np.sum(~np.isnan(ordered), axis=1)
    position = np.maximum(counts - 1, 0) * share
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(counts - 1, 0))
    rows = np.arange(len(ordered))
    low, high = ordered[rows, below], ordered[rows, above]
    return np.where(counts > 0, low + (high - low) * (position - below), np.nan)


def judge(values: Floats, grid: Grid, sensitivity: Sensitivity) -> Judgement:
    """Judge `values` (series x steps). NaN is a step that is not known: neither judged nor learned from."""
    series, steps = values.shape
    base = _start(values, grid)
    expectations, lower, upper = (np.full(values.shape, np.nan) for _ in range(3))
    result = Judgement(expectations, lower, upper, np.zeros(values.shape, dtype=bool))
    seen = np.zeros(series, dtype=np.int64)
    picked = np.zeros(series, dtype=np.int64)
    spread = np.full((series, 4), np.nan)
    non_negative = ~(values < 0).any(axis=1)
    for step in range(steps):
        forecasts = _forecasts(base, grid, step)
        if step % grid.refresh == 0:
            picked = _pick(base)
            spread = _spread(base, grid, picked, step)
        expected = forecasts[picked, np.arange(series)]
        reach = _reach(expected, spread, sensitivity)
        actual = values[:, step]
        if grid.month_ends is not None and grid.month_ends[step]:
            expected, reach = _with_month_end(base, grid, step, expected, actual, reach)
        distance = actual - expected
        with np.errstate(invalid="ignore"):
            outside = (np.abs(distance) > reach) & (seen >= grid.warm_up)
        result.expected[:, step] = expected
        result.lower[:, step] = np.where(non_negative, np.maximum(expected - reach, 0.0), expected - reach)
        result.upper[:, step] = expected + reach
        result.is_anomaly[:, step] = outside
        _learn(base, grid, step, forecasts, expected, outside)
        _accept_new_level(base, grid, step)
        seen += ~np.isnan(actual)
    return result


def _start(known: Floats, grid: Grid) -> _Baseline:
    series, steps = known.shape
    shapes = [np.full((series, s.count), 0.0 if s.is_additive else 1.0) for s in grid.seasons]
    return _Baseline(
        values=known,
        clean=np.full((series, steps), np.nan),
        level_base=np.full((series, steps), np.nan),
        shapes=shapes,
        rings=[np.full((series, s.count, s.depth), np.nan) for s in grid.seasons],
        filled=[np.zeros((series, s.count), dtype=np.int64) for s in grid.seasons],
        levels=[np.full(series, np.nan) for _ in grid.candidates],
        errors=[np.full((series, steps), np.nan) for _ in grid.candidates],
        scores=np.full((len(grid.candidates), series), np.inf),
        flagged=np.zeros((series, steps), dtype=np.int8),
    )


def _forecasts(base: _Baseline, grid: Grid, step: int) -> Floats:
    forecasts = np.full((len(grid.candidates), len(base.values)), np.nan)
    for index, candidate in enumerate(grid.candidates):
        season = grid.seasons[candidate.season]
        shape = base.shapes[candidate.season]
        # A long window moves little within a refresh; a short one is taken anew every step.
        if candidate.window <= 2 * grid.refresh or step % grid.refresh == 0 or grid.refresh == 1:
            base.levels[index] = _level(base, season, shape, candidate.window, step)
        here = shape[:, season.slots[step]]
        level = base.levels[index]
        forecast = level + here if season.is_additive else level * here
        is_learned = base.filled[candidate.season][:, season.slots[step]] > 0
        forecasts[index] = np.where(is_learned | (season.count == 1), forecast, np.nan)
    return forecasts


def _level(base: _Baseline, season: Season, shape: Floats, window: int, step: int) -> Floats:
    first = max(0, step - window)
    if first == step:
        return np.full(len(base.values), np.nan)
    recent = base.level_base[:, first:step]
    factors = shape[:, season.slots[first:step]]
    if season.is_additive:
        return median_of(recent - factors)
    # A position that is almost silent (a weekend) says nothing about the level.
    usable = factors > 0.1
    return median_of(np.divide(recent, factors, out=np.full_like(recent, np.nan), where=usable))


def _pick(base: _Baseline) -> NDArray[np.int64]:
    return np.argmin(base.scores, axis=0)


def _spread(base: _Baseline, grid: Grid, picked: NDArray[np.int64], step: int) -> Floats:
    """Robust sigma and 95th percentile of the picked forecast's past errors, and how both grow with the expected value.

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
        spread[rows, 1] = quantile_of_sorted(ordered, 0.95)
        typical = median_of(sizes)
        spread[rows, 2] = typical
        spread[rows, 3] = _proportionality(errors, sizes, typical)
    return spread


def _proportionality(errors: Floats, sizes: Floats, typical: Floats) -> Floats:
    """How much of the error grows with the size of the value: 0 constant noise, 1 noise in proportion."""
    with np.errstate(invalid="ignore"):
        large = sizes > typical[:, None]
        small = sizes <= typical[:, None]
    error_large, error_small = _mean_where(errors, large), _mean_where(errors, small)
    size_large, size_small = _mean_where(sizes, large), _mean_where(sizes, small)
    contrast = size_large / np.maximum(size_small, _TINY)
    growth = error_large / np.maximum(error_small, _TINY)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (growth - 1.0) / (contrast - 1.0)
    # Where sizes hardly differ, either reading gives the same band.
    return np.clip(np.where(contrast > 1.2, np.nan_to_num(share), 0.5), 0.0, 1.0)


def _mean_where(rows: Floats, chosen: Flags) -> Floats:
    usable = chosen & ~np.isnan(rows)
    count = usable.sum(axis=1)
    return np.where(usable, rows, 0.0).sum(axis=1) / np.maximum(count, 1)


def _reach(expected: Floats, spread: Floats, sensitivity: Sensitivity) -> Floats:
    sigma, tail, typical, share = spread.T
    size = np.abs(expected)
    scale = (1.0 - share) + share * size / np.maximum(typical, _TINY)
    floor = sensitivity.floor_ratio * np.maximum(size, 0.2 * typical)
    width = np.maximum(sensitivity.sigmas * np.maximum(sigma * scale, floor), sensitivity.tail_factor * tail * scale)
    return np.maximum(np.maximum(width, sensitivity.relative * size), max(sensitivity.absolute, _TINY))


def _with_month_end(
    base: _Baseline, grid: Grid, step: int, expected: Floats, actual: Floats, reach: Floats
) -> tuple[Floats, Floats]:
    """Expect the usual extra of a month's last day, where earlier ones had it alike and this one has it too.

    Returns what is expected and its reach; a month's last day without the extra is judged like any other day.
    """
    earlier = np.flatnonzero(np.asarray(grid.month_ends)[:step])
    if len(earlier) < MONTH_ENDS_NEEDED:
        return expected, reach
    extras = np.stack([_month_end_extra(base, grid, day, step) for day in earlier], axis=1)
    typical = median_of(extras)
    with np.errstate(invalid="ignore"):
        alike = (np.abs(extras) > reach[:, None]) & (
            np.abs(extras - typical[:, None]) <= 0.5 * np.abs(typical)[:, None]
        )
        usual = expected + typical
        wider = np.maximum(reach, MONTH_END_TOLERANCE * np.abs(usual))
        is_usual = (alike.sum(axis=1) >= MONTH_ENDS_NEEDED) & (np.abs(actual - usual) <= wider)
    return np.where(is_usual, usual, expected), np.where(is_usual, wider, reach)


def _month_end_extra(base: _Baseline, grid: Grid, day: int, step: int) -> Floats:
    """What the day had above the level of the fortnight before and after it."""
    season = grid.seasons[0]
    first, last = max(0, day - 14), min(step, day + 15)
    around = np.delete(base.level_base[:, first:last], day - first, axis=1)
    factors = np.delete(base.shapes[0][:, season.slots[first:last]], day - first, axis=1)
    level = median_of(np.divide(around, factors, out=np.full_like(around, np.nan), where=factors > 0.1))
    return base.values[:, day] - level * base.shapes[0][:, season.slots[day]]


def _learn(base: _Baseline, grid: Grid, step: int, forecasts: Floats, expected: Floats, outside: Flags) -> None:
    actual = base.values[:, step]
    usable = ~outside & ~np.isnan(actual)
    base.clean[:, step] = np.where(usable, actual, expected)
    base.level_base[:, step] = base.clean[:, step]
    base.flagged[:, step] = np.where(outside, np.sign(np.nan_to_num(actual - expected)), 0).astype(np.int8)
    for index in range(len(grid.candidates)):
        error = np.where(usable, actual - forecasts[index], np.nan)
        base.errors[index][:, step] = error
        size = np.abs(error)
        score = base.scores[index]
        first_time = np.isinf(score) & ~np.isnan(size)
        capped = np.where(first_time, size, np.minimum(size, 4.0 * score + _TINY))
        with np.errstate(invalid="ignore"):
            blended = score + (capped - score) / min(grid.memory, max(8, step))
        base.scores[index] = np.where(first_time, size, np.where(np.isnan(size), score, blended))
    for index, season in enumerate(grid.seasons):
        if season.count > 1 and step + 1 >= season.cycle:
            _learn_shape(base, index, season, step, usable)


def _learn_shape(base: _Baseline, index: int, season: Season, step: int, usable: Flags) -> None:
    turn = base.clean[:, step + 1 - season.cycle : step + 1]
    mean = _mean_where(turn, np.ones_like(turn, dtype=bool))
    if step + 1 == season.cycle:
        # The steps of the first cycle had no full cycle behind them: they are measured against their whole.
        for earlier in range(season.cycle - 1):
            _store_shape(base, index, season, earlier, mean, ~np.isnan(base.values[:, earlier]))
    _store_shape(base, index, season, step, mean, usable)


def _store_shape(base: _Baseline, index: int, season: Season, step: int, mean: Floats, usable: Flags) -> None:
    actual = base.values[:, step]
    slot = season.slots[step]
    if season.is_additive:
        position = actual - mean
    else:
        position = np.divide(actual, mean, out=np.full_like(mean, np.nan), where=mean > _TINY)
    rows = np.flatnonzero(usable & ~np.isnan(position))
    place = base.filled[index][rows, slot] % season.depth
    base.rings[index][rows, slot, place] = position[rows]
    base.filled[index][rows, slot] += 1
    fresh = median_of(base.rings[index][:, slot, :])
    base.shapes[index][:, slot] = np.where(np.isnan(fresh), base.shapes[index][:, slot], fresh)


def _accept_new_level(base: _Baseline, grid: Grid, step: int) -> None:
    """After `accept_after` steps mostly on one side, the new level is the level: forget the old one."""
    if step + 1 < grid.accept_after:
        return
    first = step + 1 - grid.accept_after
    recent = base.flagged[:, first : step + 1]
    for side in (1, -1):
        lasts = (recent[:, 0] == side) & (recent[:, -1] == side)
        rows = np.flatnonzero(lasts & ((recent == side).sum(axis=1) * 2 > grid.accept_after))
        if not len(rows):
            continue
        actual = base.values[rows, first : step + 1]
        _rescale(base, grid, rows, actual, base.clean[rows, first : step + 1])
        base.level_base[rows, :first] = np.nan
        base.level_base[rows, first : step + 1] = actual
        base.clean[rows, first : step + 1] = np.where(np.isnan(actual), base.clean[rows, first : step + 1], actual)
        base.flagged[rows, first : step + 1] = 0


def _rescale(base: _Baseline, grid: Grid, rows: NDArray[np.int64], actual: Floats, expected: Floats) -> None:
    """Carry what was learned at the old level over to the new: additive shapes and errors grow with it."""
    old, new = median_of(np.abs(expected)), median_of(np.abs(actual))
    ratio = np.clip(np.divide(new, old, out=np.ones_like(new), where=old > _TINY), 0.1, 10.0)
    for index, season in enumerate(grid.seasons):
        if season.is_additive:
            base.shapes[index][rows] *= ratio[:, None]
            base.rings[index][rows] *= ratio[:, None, None]
    for errors in base.errors:
        # A level that fell keeps its old, wider band until it has errors of its own.
        errors[rows] *= np.maximum(ratio, 1.0)[:, None]
