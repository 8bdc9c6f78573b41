"""What the past leads one to expect, and how it learns from each step.

Anomalous steps enter with what was expected instead of what came, so that an incident does not become the norm, until
it has lasted so long that it is the norm.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from signals.arrays import TINY, Flags, Floats, mean_where, median_of
from signals.grids import Grid, Season

FREAK_FACTOR = 5.0
SILENT_SHARE = 0.05


@dataclass
class Baseline:
    """What is remembered of the steps so far; lists have one entry per season or candidate of the grid."""

    values: Floats
    clean: Floats
    level_base: Floats
    shapes: list[Floats]
    rings: list[Floats]
    filled: list[NDArray[np.int64]]
    levels: list[Floats]
    errors: list[Floats]
    scores: Floats
    means: dict[int, Floats]
    flagged: NDArray[np.int8]


def start(known: Floats, grid: Grid) -> Baseline:
    series, steps = known.shape
    shapes = [np.full((series, s.count), 0.0 if s.is_additive else 1.0) for s in grid.seasons]
    return Baseline(
        values=known,
        clean=np.full((series, steps), np.nan),
        level_base=np.full((series, steps), np.nan),
        shapes=shapes,
        rings=[np.full((series, s.count, s.depth), np.nan) for s in grid.seasons],
        filled=[np.zeros((series, s.count), dtype=np.int64) for s in grid.seasons],
        levels=[np.full(series, np.nan) for _ in grid.candidates],
        errors=[np.full((series, steps), np.nan) for _ in grid.candidates],
        scores=np.full((len(grid.candidates), series), np.inf),
        means={},
        flagged=np.zeros((series, steps), dtype=np.int8),
    )


def forecast(base: Baseline, grid: Grid, step: int) -> Floats:
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


def with_silence(base: Baseline, grid: Grid, step: int, forecasts: Floats, expected: Floats) -> Floats:
    """Expect next to nothing where a shape says that this position (a weekend, a night) is always silent."""
    for index, candidate in enumerate(grid.candidates):
        season = grid.seasons[candidate.season]
        if season.is_additive or season.count == 1:
            continue
        slot = season.slots[step]
        is_silent = (base.filled[candidate.season][:, slot] > 1) & (
            np.abs(base.shapes[candidate.season][:, slot]) < SILENT_SHARE
        )
        expected = np.where(is_silent & ~np.isnan(forecasts[index]), forecasts[index], expected)
    return expected


def _level(base: Baseline, season: Season, shape: Floats, window: int, step: int) -> Floats:
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


def learn(base: Baseline, grid: Grid, step: int, forecasts: Floats, expected: Floats, outside: Flags) -> None:
    actual = base.values[:, step]
    usable = ~outside & ~np.isnan(actual)
    base.clean[:, step] = np.where(usable, actual, expected)
    base.level_base[:, step] = base.clean[:, step]
    base.flagged[:, step] = np.where(outside, np.sign(np.nan_to_num(actual - expected)), 0).astype(np.int8)
    for index in range(len(grid.candidates)):
        error = np.where(usable, actual - forecasts[index], np.nan)
        base.errors[index][:, step] = error
        # Anomalous steps count too: a forecast must not look good by calling everything it misses an anomaly.
        size = np.abs(actual - forecasts[index])
        score = base.scores[index]
        first_time = np.isinf(score) & ~np.isnan(size)
        capped = np.where(first_time, size, np.minimum(size, 4.0 * score + TINY))
        with np.errstate(invalid="ignore"):
            blended = score + (capped - score) / min(grid.memory, max(8, step))
        base.scores[index] = np.where(first_time, size, np.where(np.isnan(size), score, blended))
    for index, season in enumerate(grid.seasons):
        if season.count > 1 and step + 1 >= season.cycle:
            _learn_shape(base, grid, index, step, usable)


def _learn_shape(base: Baseline, grid: Grid, index: int, step: int, usable: Flags) -> None:
    season = grid.seasons[index]
    if step + 1 == season.cycle or step % grid.refresh == 0:
        base.means[season.cycle] = _mean_without_freaks(base.clean[:, step + 1 - season.cycle : step + 1])
    mean = base.means[season.cycle]
    if step + 1 == season.cycle:
        # The steps of the first cycle had no full cycle behind them: they are measured against their whole.
        for earlier in range(season.cycle - 1):
            _store_shape(base, index, season, earlier, mean, ~np.isnan(base.values[:, earlier]))
    _store_shape(base, index, season, step, mean, usable)


def _mean_without_freaks(turn: Floats) -> Floats:
    """Mean of each row; what is several times its median counts as the median, so one freak does not bend a whole
    cycle.
    """
    median = median_of(turn)[:, None]
    is_freak = (np.abs(turn) > FREAK_FACTOR * np.abs(median)) & (np.abs(median) > TINY)
    return mean_where(np.where(is_freak, median, turn), np.ones_like(turn, dtype=bool))


def _store_shape(base: Baseline, index: int, season: Season, step: int, mean: Floats, usable: Flags) -> None:
    actual = base.values[:, step]
    slot = season.slots[step]
    if season.is_additive:
        position = actual - mean
    else:
        position = np.divide(actual, mean, out=np.full_like(mean, np.nan), where=mean > TINY)
    rows = np.flatnonzero(usable & ~np.isnan(position))
    place = base.filled[index][rows, slot] % season.depth
    base.rings[index][rows, slot, place] = position[rows]
    base.filled[index][rows, slot] += 1
    fresh = median_of(base.rings[index][:, slot, :])
    base.shapes[index][:, slot] = np.where(np.isnan(fresh), base.shapes[index][:, slot], fresh)


def accept_new_level(base: Baseline, grid: Grid, step: int) -> None:
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


def _rescale(base: Baseline, grid: Grid, rows: NDArray[np.int64], actual: Floats, expected: Floats) -> None:
    """Carry what was learned at the old level over to the new: additive shapes and errors grow with it."""
    old, new = median_of(np.abs(expected)), median_of(np.abs(actual))
    ratio = np.clip(np.divide(new, old, out=np.ones_like(new), where=old > TINY), 0.1, 10.0)
    for index, season in enumerate(grid.seasons):
        if season.is_additive:
            base.shapes[index][rows] *= ratio[:, None]
            base.rings[index][rows] *= ratio[:, None, None]
    for errors in base.errors:
        # A level that fell keeps its old, wider band until it has errors of its own.
        errors[rows] *= np.maximum(ratio, 1.0)[:, None]
