"""CloudWatch for the namespace AWS/Bedrock: ListMetrics and GetMetricData with AWS's own rules.

Kept true: exact dimension sets, clock-aligned periods, StartTime rounding, retention by period, 500 queries, 100,800
data points a page, PartialData until a series is complete, ListMetrics forgetting what was silent for two weeks. The
token series exist per ModelId, once more without dimensions, and for Claude once more by service tier. Latencies are
made of the calls and their tokens.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emulator.aws.wire import AwsError, Caller, page_offset, page_token
from emulator.clock import Clock

NAMESPACE = "AWS/Bedrock"
MOST_QUERIES = 500
MOST_POINTS = 100_800
LIST_PAGE = 500
HOUR = 3600
# seconds for which points of a period are kept: one minute 15 days, five minutes 63 days, one hour 455 days
RETENTION = ((60, 15 * 86400), (300, 63 * 86400), (HOUR, 455 * 86400))
FORGOTTEN_AFTER = timedelta(days=14)
_AGGREGATED = {
    "InputTokenCount",
    "OutputTokenCount",
    "CacheReadInputTokenCount",
    "CacheWriteInputTokenCount",
    "Invocations",
}

# milliseconds a call takes before its first token, and for each token of its answer
FIRST_TOKEN_MS, TOKEN_MS = 420.0, 14.0
# what the slow tail takes, as multiples of the mean
TAIL = {"p50": 0.9, "p90": 1.5, "p99": 2.5, "Maximum": 4.0, "Minimum": 0.5, "Average": 1.0}
STATISTICS = ("Sum", "SampleCount", *TAIL)

_KEYS = ("account", "region", "model_id", "metric")

Dimensions = tuple[tuple[str, str], ...]
Series = tuple[np.ndarray, np.ndarray]


class CloudWatch:
    """Serves the hourly sums in ``metrics.parquet`` up to the clock's time."""

    def __init__(self, folder: Path, clock: Clock, most_points: int = MOST_POINTS) -> None:
        self._clock, self._most_points = clock, most_points
        self._series = _load(folder / "metrics.parquet")

    def list_metrics(self, who: Caller, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Names and dimensions of the series that were written to in the last two weeks."""
        now = self._clock.now()
        since = now - (timedelta(hours=3) if wanted.get("RecentlyActive") else FORGOTTEN_AFTER)
        found: list[dict[str, Any]] = []
        if wanted.get("Namespace") in (None, NAMESPACE):
            for (metric, dimensions), (times, _) in self._of(who).items():
                position = np.searchsorted(times, now.timestamp()) - 1
                if position < 0 or times[position] < since.timestamp():
                    continue
                if _listed(metric, dimensions, wanted):
                    shown = [{"Name": name, "Value": value} for name, value in dimensions]
                    found.append({"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": shown})
        start = page_offset(wanted.get("NextToken"), _invalid("The value for parameter NextToken is not valid."))
        page: dict[str, Any] = {"Metrics": found[start : start + LIST_PAGE]}
        if start + LIST_PAGE < len(found):
            page["NextToken"] = page_token(start + LIST_PAGE)
        return page

    def get_metric_data(self, who: Caller, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """One page of data points, at most 100,800 of them or the caller's MaxDatapoints."""
        queries = _checked(wanted)
        limit = min(self._most_points, int(wanted.get("MaxDatapoints") or self._most_points))
        skip = page_offset(wanted.get("NextToken"), AwsError("InvalidNextToken", "The next token is not valid."))
        newest_first = wanted.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        series = [(query, *self._points(who, query["MetricStat"], wanted)) for query in queries]
        total = sum(len(times) for _, times, _ in series)
        results: list[dict[str, Any]] = []
        begin = 0
        for query, times, values in series:
            first, last = max(skip - begin, 0), min(skip + limit - begin, len(times))
            is_silent = not len(times) and (skip <= begin < skip + limit or skip <= begin == total)
            if first < last or is_silent:
                step = slice(None, None, -1) if newest_first else slice(None)
                shown = times[step][first:last], values[step][first:last]
                results.append(_result(query, *shown, is_complete=last == len(times)))
            begin += len(times)
        page: dict[str, Any] = {"MetricDataResults": results, "Messages": []}
        if skip + limit < total:
            page["NextToken"] = page_token(skip + limit)
        return page

    def _of(self, who: Caller) -> dict[tuple[str, Dimensions], Series]:
        return self._series.get((who.account, who.region), {})

    def _points(self, who: Caller, stat: Mapping[str, Any], wanted: Mapping[str, Any]) -> Series:
        """Sums per clock-aligned period within the asked time, oldest first, without what retention took away."""
        metric, period = stat["Metric"], int(stat["Period"])
        dimensions = tuple(sorted((one["Name"], one["Value"]) for one in metric.get("Dimensions", [])))
        empty = np.array([], dtype=np.int64), np.array([], dtype=np.float64)
        series = self._of(who).get((metric["MetricName"], dimensions))
        if series is None or metric["Namespace"] != NAMESPACE:
            return empty
        now = int(self._clock.now().timestamp())
        start, end = _rounded_start(int(wanted["StartTime"]), now), min(int(wanted["EndTime"]), now)
        buckets, sums = _bucketed(series, (start, end, now), period)
        if stat["Stat"] == "Sum":
            return buckets, sums
        calls = self._of(who).get(("Invocations", dimensions), empty)
        counts = _bucketed(_at(calls, series[0]), (start, end, now), period)[1]
        return buckets, counts if stat["Stat"] == "SampleCount" else sums / counts * TAIL[stat["Stat"]]


def _bucketed(series: Series, span: tuple[int, int, int], period: int) -> Series:
    """Sums per period within start and end, as far as they are still kept now."""
    start, end, now = span
    times, values = series
    inside = slice(*np.searchsorted(times, [start // period * period - HOUR + 1, end]))
    times, values = _finer(times[inside], values[inside], period)
    kept = (times >= start // period * period) & (times < end) & (times >= now - _kept_for(period))
    buckets, position = np.unique(times[kept] // period * period, return_inverse=True)
    return buckets, np.bincount(position, weights=values[kept], minlength=len(buckets))


def _at(series: Series, times: np.ndarray) -> Series:
    """The values of a series at given times, one where it has none."""
    position = np.clip(np.searchsorted(series[0], times), 0, max(len(series[0]) - 1, 0))
    if not len(series[0]):
        return times, np.ones(len(times))
    return times, np.where(series[0][position] == times, series[1][position], 1.0)


def _with_latencies(place: dict[tuple[str, Dimensions], Series]) -> None:
    """Add the latencies of each ModelId, as sums of milliseconds over its calls."""
    for (metric, dimensions), calls in list(place.items()):
        if metric != "Invocations" or [name for name, _ in dimensions] != ["ModelId"]:
            continue
        answers = place.get(("OutputTokenCount", dimensions))
        tokens = _at(answers, calls[0])[1] if answers else np.zeros(len(calls[0]))
        place["TimeToFirstToken", dimensions] = calls[0], calls[1] * FIRST_TOKEN_MS
        place["InvocationLatency", dimensions] = calls[0], calls[1] * FIRST_TOKEN_MS + tokens * TOKEN_MS


def _load(path: Path) -> dict[tuple[str, str], dict[tuple[str, Dimensions], Series]]:
    """The series by account and region; the file is sorted by series, then time."""
    rows = pq.ParquetFile(path, read_dictionary=list(_KEYS)).read().unify_dictionaries()
    keys: list[Any] = [rows[name].combine_chunks() for name in _KEYS]
    codes = np.stack([key.indices.to_numpy() for key in keys])
    starts = [0, *(np.flatnonzero((np.diff(codes) != 0).any(axis=0)) + 1), rows.num_rows]
    times, values = rows["epoch_s"].to_numpy().copy(), rows["total"].to_numpy().copy()
    places: dict[tuple[str, str], dict[tuple[str, Dimensions], Series]] = {}
    for first, last in pairwise(starts):
        account, region, model_id, metric = (key[int(first)].as_py() for key in keys)
        place = places.setdefault((account, region), {})
        series = times[first:last], values[first:last]
        place[metric, (("ModelId", model_id),)] = series
        if "anthropic" in model_id:
            place[metric, (("ModelId", model_id), ("ServiceTier", "default"))] = series
        if metric in _AGGREGATED:
            place[metric, ()] = _added(place.get((metric, ())), series)
    for place in places.values():
        _with_latencies(place)
    del rows, keys, codes
    pa.default_memory_pool().release_unused()
    return places


def _added(total: Series | None, series: Series) -> Series:
    if total is None:
        return series
    times, position = np.unique(np.concatenate([total[0], series[0]]), return_inverse=True)
    return times, np.bincount(position, weights=np.concatenate([total[1], series[1]]))


def _listed(metric: str, dimensions: Dimensions, wanted: Mapping[str, Any]) -> bool:
    if wanted.get("MetricName") not in (None, metric):
        return False
    present = dict(dimensions)
    return all(
        one["Name"] in present and one.get("Value") in (None, present[one["Name"]])
        for one in wanted.get("Dimensions", [])
    )


def _checked(wanted: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    queries: list[Mapping[str, Any]] = wanted["MetricDataQueries"]
    if len(queries) > MOST_QUERIES:
        raise _invalid("The collection MetricDataQueries must not have a size greater than 500.", "ValidationError")
    if int(wanted["StartTime"]) >= int(wanted["EndTime"]):
        raise _invalid("The parameter StartTime must be less than the parameter EndTime.", "ValidationError")
    if len({query["Id"] for query in queries}) != len(queries):
        raise _invalid("The values for parameter id in MetricDataQueries must be unique.", "ValidationError")
    for query in queries:
        if not re.fullmatch(r"[a-z][A-Za-z0-9_]*", query["Id"]):
            raise _invalid("The values for parameter id must start with a lower-case letter.", "ValidationError")
        if "MetricStat" not in query:
            raise _invalid("This emulator computes no expressions; ask with MetricStat.", "ValidationError")
        period, stat = int(query["MetricStat"]["Period"]), query["MetricStat"]["Stat"]
        if period % 60 and period not in (1, 5, 10, 30):
            raise _invalid(f"Period must be 1, 5, 10, 30, or a multiple of 60, not {period}.", "ValidationError")
        if stat not in STATISTICS:
            raise _invalid(f"This emulator serves {', '.join(STATISTICS)}, not {stat}.", "ValidationError")
    return [query for query in queries if query.get("ReturnData", True)]


def _invalid(message: str, code: str = "InvalidParameterValueException") -> AwsError:
    return AwsError(code, message, 400)


def _rounded_start(start: int, now: int) -> int:
    age = now - start
    step = 60 if age < 15 * 86400 else 300 if age < 63 * 86400 else HOUR
    return start // step * step


def _kept_for(period: int) -> int:
    """Seconds back from now for which points of this period exist; finer ones give silence, not an error."""
    if period % HOUR == 0:
        return RETENTION[2][1]
    if period % 300 == 0:
        return RETENTION[1][1]
    return RETENTION[0][1] if period >= 60 else 0


def _finer(times: np.ndarray, values: np.ndarray, period: int) -> Series:
    """Hourly sums as minutes, whole counts spread evenly with the rest on the first ones, where a period needs it."""
    if period % HOUR == 0 or not len(times):
        return times, values
    minutes = np.arange(60)
    whole, rest = np.divmod(values.astype(np.int64), 60)
    spread = whole[:, None] + (minutes[None, :] < rest[:, None])
    return (times[:, None] + minutes[None, :] * 60).ravel(), spread.ravel().astype(np.float64)


def _result(query: Mapping[str, Any], times: np.ndarray, values: np.ndarray, *, is_complete: bool) -> dict[str, Any]:
    return {
        "Id": query["Id"],
        "Label": query.get("Label", query["MetricStat"]["Metric"]["MetricName"]),
        "Timestamps": [int(moment) for moment in times],
        "Values": [float(value) for value in values],
        "StatusCode": "Complete" if is_complete else "PartialData",
    }
