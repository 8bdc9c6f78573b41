"""From marts to `fct_spike` and `fct_spike_driver`: series, judgement, spikes, causes."""

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa

from signals.bridge import QUANTUM, ZERO, Bridge, Consumption, explain
from signals.incidents import Episode, SpikeRules, find_episodes
from signals.series import SeriesSet, billed_series, estimated_series, with_series
from signals.tables import SPIKE_DRIVER_SCHEMA, SPIKE_SCHEMA

REFERENCE_DAYS = 28
_GONE_RATIO = 0.02
_ALL_CLASSES = "all"


@dataclass(frozen=True)
class Findings:
    """Rows for `fct_spike` and `fct_spike_driver`."""

    spikes: pa.Table
    drivers: pa.Table


def find_spikes(spend: pa.Table, tokens: pa.Table, status: pa.Table, rules: SpikeRules | None = None) -> Findings:
    """Judge the marts, given as the rows of `SPEND_QUERY`, `TOKENS_QUERY` and `STATUS_QUERY`.

    Days later than the last complete day of their account are not judged. The estimate lane judges only days after
    those the billed lane judges for the same series, and stays silent about a series whose billed spike is still open.
    """
    chosen = rules or SpikeRules()
    spikes: list[dict[str, object]] = []
    drivers: list[dict[str, object]] = []
    billed = billed_series(spend, status)
    open_series: set[tuple[str, int]] = set()
    if billed is not None:
        episodes = find_episodes(billed, chosen)
        open_series = {(billed.keys[e.series].text(), e.side) for e in episodes if e.is_open}
        _report(billed, episodes, tokens, spikes, drivers)
    estimated = estimated_series(tokens, status)
    if estimated is not None:
        ahead = _not_yet_billed(estimated, billed)
        episodes = [
            episode
            for episode in find_episodes(estimated, chosen)
            if episode.first >= ahead[episode.series]
            and (estimated.keys[episode.series].text(), episode.side) not in open_series
        ]
        _report(estimated, episodes, tokens, spikes, drivers)
    return Findings(_table(spikes, SPIKE_SCHEMA), _table(drivers, SPIKE_DRIVER_SCHEMA))


def _not_yet_billed(estimated: SeriesSet, billed: SeriesSet | None) -> list[int]:
    """For each estimated series, the first step that the billed lane has not judged."""
    last_billed: dict[str, date] = {}
    by_provider: dict[str, date] = {}
    if billed is not None:
        for number, key in enumerate(billed.keys):
            judged = np.flatnonzero(billed.judgeable[number])
            if len(judged):
                last = billed.day(int(judged[-1]))
                last_billed[key.text()] = last
                by_provider[key.provider] = max(last, by_provider.get(key.provider, last))
    firsts: list[int] = []
    for key in estimated.keys:
        last = last_billed.get(key.text(), by_provider.get(key.provider))
        firsts.append(0 if last is None else (last - estimated.first).days + 1)
    return firsts


def _report(
    series: SeriesSet,
    episodes: list[Episode],
    tokens: pa.Table,
    spikes: list[dict[str, object]],
    drivers: list[dict[str, object]],
) -> None:
    wanted = sorted({episode.series for episode in episodes})
    rows = series.rows.filter(pa.array(np.isin(series.rows["series"].to_numpy(), wanted)))
    requests = with_series(tokens, "usage_date", series.keys, series.first) if tokens.num_rows else None
    for episode in episodes:
        days = range(episode.first, episode.last + 1)
        spike = _consumption(series, rows, requests, episode.series, set(days))
        reference = _consumption(series, rows, requests, episode.series, _reference_days(series, episodes, episode))
        actual = sum(spike.cost.values(), ZERO)
        expected = _expected(episode)
        bridge = explain(reference, spike, expected)
        spike_id = _spike_id(series, episode)
        key = series.keys[episode.series]
        spikes.append(
            {
                "spike_id": spike_id,
                "lane": series.lane,
                "started_on": series.day(episode.first),
                "detected_on": series.day(episode.detected),
                "ended_on": None if episode.is_open else series.day(episode.last),
                "provider": key.provider,
                "team": key.team,
                "product": key.product,
                "sub_account_id": key.sub_account_id,
                "model": bridge.model,
                "metric": series.metric,
                "direction": "up" if episode.side > 0 else "down",
                "actual": actual,
                "expected": expected,
                "impact_usd": actual - expected,
                "verdict": _verdict(series, episode, bridge),
            }
        )
        drivers.extend(
            {"spike_id": spike_id, "driver": driver, "contribution_usd": usd}
            for driver, usd in bridge.contributions.items()
        )


def _expected(episode: Episode) -> Decimal:
    """The statistics are floats; what they expect becomes money here, once, by its shortest text."""
    return sum((Decimal(repr(float(usd))) for usd in episode.expected), ZERO).quantize(QUANTUM)


def _reference_days(series: SeriesSet, episodes: list[Episode], episode: Episode) -> set[int]:
    """The last `REFERENCE_DAYS` judged days before the episode that belong to no other one."""
    if episode.kind == "creep":
        return set(range(max(0, episode.first - 7), episode.first))
    others = {
        step
        for other in episodes
        if other.series == episode.series and other.kind != "creep"
        for step in range(other.first, other.last + 1)
    }
    judged = np.flatnonzero(series.judgeable[episode.series, : episode.first])
    return set([step for step in judged.tolist() if step not in others][-REFERENCE_DAYS:])


def _consumption(
    series: SeriesSet, rows: pa.Table, requests: pa.Table | None, number: int, days: set[int]
) -> Consumption:
    cost: dict[tuple[str | None, str | None], Decimal] = {}
    tokens: dict[tuple[str | None, str | None], Decimal] = {}
    is_billed = series.lane == "billed"
    for row in _chosen(rows, number, days).to_pylist():
        cell = (row["model"], row["token_class"] if is_billed else _ALL_CLASSES)
        cost[cell] = cost.get(cell, ZERO) + row[series.metric]
        count = row["consumed_tokens"] if is_billed else row["token_count"]
        if count:
            tokens[cell] = tokens.get(cell, ZERO) + count
    asked: dict[str | None, Decimal] = {}
    for row in _chosen(requests, number, days).to_pylist() if requests is not None else ():
        if row["request_count"]:
            asked[row["model"]] = asked.get(row["model"], ZERO) + row["request_count"]
    return Consumption(cost, tokens, asked)


def _chosen(rows: pa.Table, number: int, days: set[int]) -> pa.Table:
    is_wanted = (rows["series"].to_numpy() == number) & np.isin(rows["day"].to_numpy(), sorted(days))
    return rows.filter(pa.array(is_wanted))


def _verdict(series: SeriesSet, episode: Episode, bridge: Bridge) -> str:
    actual = series.values[episode.series, episode.first : episode.last + 1]
    if episode.kind == "new" or (episode.side > 0 and episode.expected.sum() <= _GONE_RATIO * actual.sum()):
        return "new"
    if episode.side < 0 and (actual <= _GONE_RATIO * np.maximum(episode.expected, 0)).all():
        return "vanished"
    pushes = {driver: usd * episode.side for driver, usd in bridge.contributions.items()}
    if series.lane == "estimate":
        # Estimates are list prices over all token classes: what looks like a price is a change of classes.
        pushes["efficiency"] += pushes.pop("price")
    strongest = max(pushes, key=lambda driver: pushes[driver])
    return "volume" if strongest == "unmetered" else strongest


def _spike_id(series: SeriesSet, episode: Episode) -> str:
    parts = (
        series.lane,
        series.keys[episode.series].text(),
        "up" if episode.side > 0 else "down",
        series.day(episode.first).isoformat(),
    )
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def _table(rows: list[dict[str, object]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema)
