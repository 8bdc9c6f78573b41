"""Groups judged days into spikes: a run of days of one series and direction is one."""

from dataclasses import dataclass, field, replace

import numpy as np

from signals.arrays import Flags, Floats
from signals.creep import Creep, CreepRule, find_creeps
from signals.detector import Judgement, Sensitivity, judge
from signals.grids import daily_grid
from signals.series import SeriesSet


@dataclass(frozen=True)
class SpikeRules:
    """When days become a spike. Money in USD, lengths in days.

    `minimum_day_usd`, `minimum_ratio`: a day differs when it is off by both. `minimum_usd`: what a spike comes to
    before it is one. `gap_days`: quiet days that do not end a spike. `new_after_days`: how long a provider's data
    must have been there before a series that begins is called new. `normal_after_days`: how long a series is new, and
    another level of an old one a spike, before it counts as normal.
    """

    minimum_day_usd: float = 15.0
    minimum_ratio: float = 0.2
    minimum_usd: float = 50.0
    gap_days: int = 2
    new_after_days: int = 7
    normal_after_days: int = 28
    sensitivity: Sensitivity = field(default_factory=lambda: Sensitivity(sigmas=4.0, tail_factor=2.3, floor_ratio=0.03))
    creep: CreepRule = field(default_factory=CreepRule)


@dataclass(frozen=True)
class Episode:
    """Steps [first, last] of one series that were not as expected, and what was expected on each of them."""

    series: int
    side: int
    first: int
    detected: int
    last: int
    is_open: bool
    expected: Floats
    kind: str


def find_episodes(series: SeriesSet, rules: SpikeRules) -> list[Episode]:
    """All episodes of a set of daily series, whole-series order."""
    judgeable = series.judgeable & ~_missing_tail(series)
    begins = _beginnings(series, judgeable, rules)
    known = np.where(judgeable, series.values, np.nan)
    for number, begin in begins.items():
        known[number, :begin] = np.nan
    judgement = judge(
        known,
        daily_grid(series.first, series.values.shape[1], rules.normal_after_days),
        replace(rules.sensitivity, relative=rules.minimum_ratio, absolute=rules.minimum_day_usd),
    )
    for number, begin in begins.items():
        _expect_nothing(judgement, known, number, begin, rules)
    sides = np.where(judgement.is_anomaly, np.sign(np.nan_to_num(known - judgement.expected)), 0).astype(np.int8)
    clean = np.where(judgement.is_anomaly | np.isnan(known), np.nan_to_num(judgement.expected), np.nan_to_num(known))
    sudden = _sudden(series, judgement, sides, judgeable, begins, rules)
    slow = [_from_creep(creep) for creep in find_creeps(clean, judgement.expected, judgeable, rules.creep)]
    return sorted(_merge(sudden, slow), key=lambda found: (found.series, found.first, found.side))


def _missing_tail(series: SeriesSet) -> Flags:
    """The newest days on which no series of a provider has anything: data that is not there, not use that stopped."""
    providers = np.array([key.provider for key in series.keys])
    missing = np.zeros(series.values.shape, dtype=bool)
    for provider in np.unique(providers):
        rows = providers == provider
        seen = np.flatnonzero((series.values[rows] != 0).any(axis=0))
        missing[np.ix_(rows, np.arange(series.values.shape[1]) > (seen[-1] if len(seen) else -1))] = True
    return missing


def _beginnings(series: SeriesSet, judgeable: Flags, rules: SpikeRules) -> dict[int, int]:
    """First step with a cost, for the series that begin clearly after their provider's data."""
    begins: dict[int, int] = {}
    for number, days in enumerate(judgeable):
        used = np.flatnonzero((series.values[number] > 0) & days)
        start = np.flatnonzero(days)
        if len(used) and used[0] - start[0] >= rules.new_after_days:
            begins[number] = int(used[0])
    return begins


def _expect_nothing(judgement: Judgement, known: Floats, number: int, begin: int, rules: SpikeRules) -> None:
    days = slice(begin, begin + rules.normal_after_days)
    judgement.expected[number, days] = 0.0
    with np.errstate(invalid="ignore"):
        judgement.is_anomaly[number, days] = known[number, days] > 0


def _sudden(
    series: SeriesSet,
    judgement: Judgement,
    sides: np.ndarray,
    judgeable: Flags,
    begins: dict[int, int],
    rules: SpikeRules,
) -> list[Episode]:
    found: list[Episode] = []
    for number in range(len(series.keys)):
        judged = np.flatnonzero(judgeable[number])
        for side in (1, -1):
            for first, last in _runs(sides[number], judged, side, rules.gap_days):
                expected = np.nan_to_num(judgement.expected[number, first : last + 1])
                detected = _detected(series.values[number, first : last + 1] - expected, side, rules.minimum_usd)
                if detected is None:
                    continue
                quiet = int(np.sum(judged > last))
                kind = "new" if begins.get(number) == first else "sudden"
                is_open = quiet <= rules.gap_days
                found.append(Episode(number, side, first, first + detected, last, is_open, expected, kind))
    return found


def _runs(sides: np.ndarray, judged: np.ndarray, side: int, gap_days: int) -> list[tuple[int, int]]:
    """[first, last] of each run on one side; at most `gap_days` judged days between two of its days are bridged."""
    flagged = np.flatnonzero(sides == side)
    runs: list[tuple[int, int]] = []
    for step in flagged.tolist():
        if runs and int(np.sum((judged > runs[-1][1]) & (judged < step))) <= gap_days:
            runs[-1] = (runs[-1][0], step)
        else:
            runs.append((step, step))
    return runs


def _detected(differences: Floats, side: int, minimum_usd: float) -> int | None:
    """First step by which the whole came to `minimum_usd`; None when it never did or did not stay so."""
    total = np.cumsum(differences) * side
    if total[-1] < minimum_usd:
        return None
    return int(np.argmax(total >= minimum_usd))


def _from_creep(creep: Creep) -> Episode:
    return Episode(
        creep.series, creep.side, creep.first, creep.detected, creep.last, creep.is_open, creep.expected, "creep"
    )


def _merge(sudden: list[Episode], slow: list[Episode]) -> list[Episode]:
    """One spike where a creep and sudden days of the same series and direction meet: the one that was found first."""
    merged = list(sudden)
    for creep in slow:
        rivals = [e for e in merged if (e.series, e.side) == (creep.series, creep.side) and _meet(e, creep)]
        if any(rival.detected <= creep.detected for rival in rivals):
            continue
        merged = [episode for episode in merged if episode not in rivals]
        merged.append(creep)
    return merged


def _meet(one: Episode, other: Episode) -> bool:
    return one.first <= other.last and other.first <= one.last
