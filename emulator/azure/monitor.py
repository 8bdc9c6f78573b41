"""Azure Monitor metrics: the regional batch call and Resource Manager's call for one resource."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emulator.azure.wire import AzureError, Call, Reply, bad_request

NAMESPACE = "microsoft.cognitiveservices/accounts"
RETENTION = timedelta(days=93)
LARGEST_BATCH = 50
LARGEST_METRICS = 20
DEFAULT_TOP = 10
INTERVALS = {"PT1H": 1, "P1D": 24}
AGGREGATIONS = ("total", "average", "maximum", "minimum")
PERCENT = "AzureOpenAIProvisionedManagedUtilizationV2"
DEPLOYMENT, STATUS, SPILL = "modeldeploymentname", "statuscode", "isspillover"
METRICS = {
    "ProcessedPromptTokens": (DEPLOYMENT,),
    "GeneratedTokens": (DEPLOYMENT,),
    "TokenTransaction": (DEPLOYMENT,),
    "ActiveTokens": (DEPLOYMENT,),
    "AzureOpenAIRequests": (DEPLOYMENT, STATUS, SPILL),
    PERCENT: (DEPLOYMENT,),
}
Series = dict[tuple[str, ...], np.ndarray]


@dataclass(frozen=True)
class Wanted:
    """A metrics request: half-open hours, the dimensions to split by and the values asked for (`*` for all)."""

    names: tuple[str, ...]
    aggregations: tuple[str, ...]
    start: datetime
    end: datetime
    step: int
    interval: str
    filters: Mapping[str, frozenset[str]]
    top: int


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
        wanted = _wanted(call, now, call.query.get("starttime"), call.query.get("endtime"), call.query.get("filter"))
        return Reply(200, {"values": [self._answer(account, wanted, is_batch=True) for account in accounts]})

    def single(self, call: Call, resource: str, now: datetime) -> Reply:
        """Metrics of one resource."""
        start, _, end = call.query.get("timespan", "").partition("/")
        wanted = _wanted(call, now, start or None, end or None, call.query.get("$filter"))
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
        series = sorted(self._series(account, name, wanted, split).items())
        # with a filter only the first `top` series are given, and nothing says so
        kept = series[: wanted.top] if wanted.filters else series
        return {
            "id": f"{account['id']}/providers/Microsoft.Insights/metrics/{name}",
            "type": "Microsoft.Insights/metrics",
            "name": {"value": name, "localizedValue": name},
            "displayDescription": name,
            "unit": "Percent" if name == PERCENT else "Count",
            "timeseries": [_timeseries(split, key, values, wanted) for key, values in kept],
            "errorCode": "Success",
        }

    def _series(self, account: Mapping[str, Any], name: str, wanted: Wanted, split: tuple[str, ...]) -> Series:
        """Values by dimension values: one row per aggregation, one column per step, NaN where nothing happened."""
        start, end = (np.datetime64(moment.replace(tzinfo=None), "h") for moment in (wanted.start, wanted.end))
        chosen = (self._hours >= start) & (self._hours < end)
        chosen &= self._is("account", account["name"]) & self._is("metric", name)
        columns = {DEPLOYMENT: "deployment", STATUS: "status_code", SPILL: "is_spillover"}
        places = ((self._hours[chosen] - start).astype(np.int64)) // wanted.step
        steps = -(-int((end - start).astype(np.int64)) // wanted.step)
        labels = [self._labels(columns[dimension], chosen) for dimension in split]
        keys = list(zip(*labels, strict=True)) if split else [()] * int(chosen.sum())
        gathered: Series = {}
        for key in sorted(set(keys)):
            if any(
                "*" not in wanted.filters[d] and v.lower() not in wanted.filters[d]
                for d, v in zip(split, key, strict=True)
            ):
                continue
            mine = np.fromiter((one == key for one in keys), dtype=bool, count=len(keys))
            gathered[key] = _summed(places[mine], {n: self._values[n][chosen][mine] for n in AGGREGATIONS}, steps)
        return gathered

    def _labels(self, column: str, chosen: np.ndarray) -> list[str]:
        words = self._words[column]
        return [words[code] for code in self._codes[column][chosen].tolist()]

    def _is(self, column: str, text: str) -> np.ndarray:
        words = self._words[column]
        return self._codes[column] == (words.index(text) if text in words else len(words))


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
    points = []
    for place in range(values.shape[1]):
        point: dict[str, Any] = {"timeStamp": _iso(wanted.start + timedelta(hours=place * wanted.step))}
        # a step without samples has a time stamp and no value
        if not np.isnan(values[0, place]):
            point |= {AGGREGATIONS[row]: float(values[row, place]) for row in rows}
        points.append(point)
    named = [
        {"name": {"value": name, "localizedValue": name}, "value": value}
        for name, value in zip(split, key, strict=True)
    ]
    return {"metadatavalues": named, "data": points}


def _wanted(call: Call, now: datetime, start: str | None, end: str | None, filter_text: str | None) -> Wanted:
    if call.query.get("metricnamespace", NAMESPACE).lower() != NAMESPACE:
        raise bad_request(f"Invalid metric namespace '{call.query['metricnamespace']}'; valid values: {NAMESPACE}.")
    names = tuple(name for name in call.query.get("metricnames", "").split(",") if name)
    unknown = [name for name in names if name not in METRICS]
    if not names or unknown or len(names) > LARGEST_METRICS:
        raise bad_request(
            f"Failed to find metric configuration for metric: {','.join(unknown)}. Valid metrics: {','.join(METRICS)}"
        )
    interval = call.query.get("interval", "PT1H")
    if interval not in INTERVALS:
        raise bad_request(f"Detected invalid time grain input {interval}; supported here: {', '.join(INTERVALS)}.")
    aggregations = tuple(word.lower() for word in (call.query.get("aggregation") or "Average").split(","))
    if any(word not in AGGREGATIONS for word in aggregations):
        raise bad_request(f"Invalid aggregation {','.join(aggregations)}; valid values: {', '.join(AGGREGATIONS)}.")
    first, last = _times(start, end, now)
    filters = _filters(filter_text, names)
    return Wanted(
        names,
        aggregations,
        first,
        last,
        INTERVALS[interval],
        interval,
        filters,
        int(call.query.get("top", DEFAULT_TOP)),
    )


def _times(start: str | None, end: str | None, now: datetime) -> tuple[datetime, datetime]:
    try:
        last = datetime.fromisoformat(end) if end else now
        first = datetime.fromisoformat(start) if start else last - timedelta(hours=1)
    except ValueError as error:
        raise bad_request(f"Invalid time range: {error}.") from error
    first, last = (moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC) for moment in (first, last))
    if first < now - RETENTION:
        raise bad_request(f"The start time cannot be more than {RETENTION.days} days in the past.", "BadRequest")
    # a step that lies in the future is not given
    last = min(last, now.replace(minute=0, second=0, microsecond=0))
    if first >= last:
        raise bad_request("The start time must be before the end time.")
    return first, last


def _filters(text: str | None, names: tuple[str, ...]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for dimension, value in re.findall(r"(\w+)\s+eq\s+'([^']*)'", text or ""):
        if not all(dimension.lower() in METRICS[name] for name in names):
            raise bad_request(
                f"Metric: {','.join(names)} does not support requested dimension combination: {dimension}"
            )
        found.setdefault(dimension.lower(), set()).add(value.lower())
    return {dimension: frozenset(values) for dimension, values in found.items()}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
