"""Azure Monitor metrics: the regional batch call and Resource Manager's call for one resource."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache as cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emulator.azure.measures import CACHE_MATCH, REQUESTS
from emulator.azure.measures import UTILIZATION as PERCENT
from emulator.azure.metric_names import (
    DEPLOYMENT,
    LATENCIES,
    METRICS,
    NEWER_SET,
    PARTNER_SET,
    PERCENTS,
    SPILL,
    STATUS,
)
from emulator.azure.metric_request import AGGREGATIONS, NAMESPACE, Wanted, read_request
from emulator.azure.minutes import MinuteStore, spread
from emulator.azure.wire import AzureError, Call, Reply, bad_request

LARGEST_BATCH = 50
COLUMNS = {DEPLOYMENT: "deployment", STATUS: "status_code", SPILL: "is_spillover"}
Series = dict[tuple[str, ...], np.ndarray]


class Metrics:
    """Answers from `metrics_hourly.parquet`."""

    def __init__(self, folder: Path, accounts: list[Mapping[str, Any]]) -> None:
        rows = pq.read_table(folder / "metrics_hourly.parquet")
        names = ("account", "deployment", "metric", "status_code", "is_spillover")
        # codes of the words of a column; -1 where it is empty
        self._words: dict[str, list[str]] = {
            name: sorted({str(word) for word in rows.column(name).drop_null().to_pylist()}) for name in names
        }
        self._codes = {name: _coded(rows.column(name), self._words[name]) for name in names}
        self._hours = rows.column("hour_start").to_numpy().astype("datetime64[h]")
        self._values = {name: rows.column(name).to_numpy() for name in AGGREGATIONS}
        self._accounts = {account["id"].lower(): account for account in accounts}
        self._rows_of = self._index()
        self._minutes = MinuteStore(folder)
        self._first_minute = self._hours.min().astype("datetime64[m]")

    def _index(self) -> dict[tuple[str, str], np.ndarray]:
        """The rows of each account and metric."""
        metrics = self._words["metric"]
        combined = self._codes["account"].astype(np.int64) * len(metrics) + self._codes["metric"]
        order = np.argsort(combined, kind="stable")
        codes, starts = np.unique(combined[order], return_index=True)
        return {
            (self._words["account"][code // len(metrics)], metrics[code % len(metrics)]): rows
            for code, rows in zip(codes.tolist(), np.split(order, starts[1:]), strict=True)
        }

    def batch(self, call: Call, subscription: str, now: datetime) -> Reply:
        """Metrics of up to fifty resources of one subscription and region."""
        resources = (call.json or {}).get("resourceids") or []
        if not 1 <= len(resources) <= LARGEST_BATCH:
            raise bad_request(f"The number of resource ids must be between 1 and {LARGEST_BATCH}.")
        accounts = [self._account(resource) for resource in resources]
        if any(f"/subscriptions/{subscription.lower()}/" not in account["id"].lower() for account in accounts):
            raise bad_request("All resources must belong to the subscription of the request.")
        if len({account["location"] for account in accounts}) > 1:
            raise bad_request("All resources must be in the region of the endpoint.")
        wanted = read_request(
            call, now, call.query.get("starttime"), call.query.get("endtime"), call.query.get("filter")
        )
        return Reply(200, {"values": [self._answer(account, wanted, is_batch=True) for account in accounts]})

    def single(self, call: Call, resource: str, now: datetime) -> Reply:
        """Metrics of one resource."""
        start, _, end = call.query.get("timespan", "").partition("/")
        wanted = read_request(call, now, start or None, end or None, call.query.get("$filter"))
        return Reply(200, self._answer(self._account(resource), wanted, is_batch=False))

    def _account(self, resource: str) -> Mapping[str, Any]:
        account = self._accounts.get("/" + resource.strip("/").lower())
        if account is None:
            raise AzureError(404, "ResourceNotFound", f"The Resource '{resource}' was not found.")
        return account

    def _answer(self, account: Mapping[str, Any], wanted: Wanted, *, is_batch: bool) -> dict[str, Any]:
        span = {"starttime": _iso(wanted.start), "endtime": _iso(wanted.end)}
        if not is_batch:
            span = {"timespan": f"{span['starttime']}/{span['endtime']}"}
        resource = {"resourceid": account["id"]} if is_batch else {}
        return {
            "cost": 0,
            **span,
            "interval": wanted.interval,
            "namespace": NAMESPACE,
            "resourceregion": account["location"],
            **resource,
            "value": [self._metric(account, name, wanted) for name in wanted.names],
        }

    def _metric(self, account: Mapping[str, Any], name: str, wanted: Wanted) -> dict[str, Any]:
        split = tuple(dimension for dimension in METRICS[name] if dimension in wanted.filters)
        series = sorted(self._values_of(account, name, wanted, split).items())
        # with a filter only the first `top` series are given, and nothing says so
        kept = series[: wanted.top] if wanted.filters else series
        return {
            "id": f"{account['id']}/providers/Microsoft.Insights/metrics/{name}",
            "type": "Microsoft.Insights/metrics",
            "name": {"value": name, "localizedValue": name},
            "displayDescription": name,
            "unit": LATENCIES[name][0] if name in LATENCIES else "Percent" if name in PERCENTS else "Count",
            "timeseries": [_timeseries(split, key, values, wanted) for key, values in kept],
            "errorCode": "Success",
        }

    def _values_of(self, account: Mapping[str, Any], name: str, wanted: Wanted, split: tuple[str, ...]) -> Series:
        if name in PARTNER_SET or (name in NEWER_SET and account["kind"] != "AIServices"):
            return {}
        stored = NEWER_SET.get(name, REQUESTS if name in LATENCIES else name)
        if wanted.interval == "PT1M":
            found = self._by_minute(account, stored, wanted, split)
        else:
            found = self._series(account, stored, wanted, split)
        if name not in LATENCIES:
            return found
        return {key: LATENCIES[name][1] * (1 + np.log1p(values) / 20) for key, values in found.items()}

    def _by_minute(self, account: Mapping[str, Any], name: str, wanted: Wanted, split: tuple[str, ...]) -> Series:
        """Values by minute: of provisioned deployments as they were, of others each hour spread evenly."""
        first, after = (np.datetime64(moment.replace(tzinfo=None), "m") for moment in (wanted.start, wanted.end))
        start, end = ((moment - self._first_minute).astype(np.int64) for moment in (first, after))
        steps = int(end - start)
        gathered: Series = {}
        labels = {DEPLOYMENT: 1, STATUS: 3, SPILL: 4}
        for label, every in self._minutes.series(account["name"], name).items():
            key = tuple(label[labels[dimension]] for dimension in split)
            if not all(_is_asked(wanted.filters[d], value) for d, value in zip(split, key, strict=True)):
                continue
            values = np.full(steps, np.nan)
            shown = every[max(start, 0) : max(end, 0)].astype(np.float64)
            # a minute in which nothing was counted is absent; an idle utilisation is a sample of nought
            if name != PERCENT:
                shown[shown == 0] = np.nan
            values[max(-start, 0) : max(-start, 0) + len(shown)] = shown
            _put_in(gathered, key, np.stack([values] * len(AGGREGATIONS)))
        if name in (PERCENT, CACHE_MATCH):
            return gathered
        known = self._minutes.deployments(account["name"])
        # to whole hours, so that the share of a cut hour is that of its minutes
        hourly = replace(wanted, step=60, start=wanted.start.replace(minute=0), end=_hour_up(wanted.end))
        lead = wanted.start.minute
        inner = tuple(dict.fromkeys((DEPLOYMENT, *split)))
        filters = {DEPLOYMENT: frozenset("*"), **wanted.filters}
        for key, hours in self._series(account, name, replace(hourly, filters=filters), inner).items():
            named = dict(zip(inner, key, strict=True))
            if named[DEPLOYMENT] in known:
                continue
            totals = np.nan_to_num(hours[0]).astype(np.int64)
            values = spread(totals, np.zeros((len(totals), 60))).reshape(-1)[lead : lead + steps].astype(np.float64)
            values[values == 0] = np.nan
            _put_in(gathered, tuple(named[d] for d in split), np.stack([values] * len(AGGREGATIONS)))
        return gathered

    def _series(self, account: Mapping[str, Any], name: str, wanted: Wanted, split: tuple[str, ...]) -> Series:
        """Values by dimension values: one row per aggregation, one column per step, NaN where nothing happened."""
        start, end = (np.datetime64(moment.replace(tzinfo=None), "h") for moment in (wanted.start, wanted.end))
        mine = self._rows_of.get((account["name"], name), np.empty(0, dtype=np.int64))
        hours = self._hours[mine]
        there = (hours >= start) & (hours < end)
        mine, hours = mine[there], hours[there]
        step = wanted.step // 60
        places = (hours - start).astype(np.int64) // step
        steps = -(-int((end - start).astype(np.int64)) // step)
        columns = [COLUMNS[dimension] for dimension in split]
        combined = np.zeros(len(mine), dtype=np.int64)
        for column in columns:
            combined = combined * (len(self._words[column]) + 1) + self._codes[column][mine]
        gathered: Series = {}
        for code in np.unique(combined):
            chosen = np.flatnonzero(combined == code)
            one = mine[chosen[0]]
            key = tuple(self._words[column][self._codes[column][one]] for column in columns)
            if all(_is_asked(wanted.filters[d], value) for d, value in zip(split, key, strict=True)):
                values = {n: self._values[n][mine[chosen]] for n in AGGREGATIONS}
                gathered[key] = _summed(places[chosen], values, steps)
        return gathered


def _is_asked(wanted: frozenset[str], value: str) -> bool:
    return "*" in wanted or value.lower() in wanted


def _put_in(gathered: Series, key: tuple[str, ...], values: np.ndarray) -> None:
    """Add a series to the one of its key; a minute that both lack stays absent."""
    if key in gathered:
        both = np.isnan(gathered[key]) & np.isnan(values)
        values = np.where(both, np.nan, np.nan_to_num(gathered[key]) + np.nan_to_num(values))
    if not np.isnan(values).all():
        gathered[key] = values


def _hour_up(moment: datetime) -> datetime:
    whole = moment.replace(minute=0, second=0, microsecond=0)
    return whole if whole == moment else whole + timedelta(hours=1)


@cache
def _times_of(start: datetime, steps: int, step: int) -> list[str]:
    first = np.datetime64(start.replace(tzinfo=None), "m")
    return [f"{moment}:00Z" for moment in np.datetime_as_string(first + np.arange(steps) * step)]


def _coded(column: pa.ChunkedArray, words: list[str]) -> np.ndarray:
    places = {word: place for place, word in enumerate(words)}
    return np.array([-1 if word is None else places[word] for word in column.to_pylist()], dtype=np.int16)


def _summed(places: np.ndarray, values: Mapping[str, np.ndarray], steps: int) -> np.ndarray:
    result = np.full((len(AGGREGATIONS), steps), np.nan)
    counts = np.bincount(places, minlength=steps)
    there = counts > 0
    total = np.bincount(places, weights=values["total"], minlength=steps)
    mean = np.bincount(places, weights=values["average"], minlength=steps)
    highest, lowest = np.full(steps, -np.inf), np.full(steps, np.inf)
    np.maximum.at(highest, places, values["maximum"])
    np.minimum.at(lowest, places, values["minimum"])
    for row, numbers in enumerate((total, mean / np.maximum(counts, 1), highest, lowest)):
        result[row, there] = numbers[there]
    return result


def _timeseries(split: tuple[str, ...], key: tuple[str, ...], values: np.ndarray, wanted: Wanted) -> dict[str, Any]:
    rows = [AGGREGATIONS.index(name) for name in wanted.aggregations]
    points: list[dict[str, Any]] = []
    absent = np.isnan(values[0]).tolist()
    numbers = [values[row].tolist() for row in rows]
    names = [AGGREGATIONS[row] for row in rows]
    for place, moment in enumerate(_times_of(wanted.start, values.shape[1], wanted.step)):
        if not absent[place]:
            points.append({"timeStamp": moment, **{n: column[place] for n, column in zip(names, numbers, strict=True)}})
        elif wanted.step > 1:
            # an hour without samples has a time stamp and no value, a minute is not there at all
            points.append({"timeStamp": moment})
    named = [
        {"name": {"value": name, "localizedValue": name}, "value": value}
        for name, value in zip(split, key, strict=True)
    ]
    return {"metadatavalues": named, "data": points}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
