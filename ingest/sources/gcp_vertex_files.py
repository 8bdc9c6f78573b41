"""Exported time series (`gcloud monitoring time-series list --format=json`, or pages of the REST API) as rows by hour.

Points may be finer than an hour: counts are summed into their hour, limits take the highest. Points that reach over the
end of an hour cannot be told apart and go to the quarantine, as does a series without project, model or known points.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from ingest.file_rows import json_rows, may_be_json
from ingest.quarantine import Quarantine
from ingest.run import YEARS
from ingest.sources.gcp_vertex_series import BY_TYPE, HOUR, TOKEN_COUNTS, Metric, bucket_bounds, labelled

logger = logging.getLogger(__name__)
Rows = dict[tuple[Any, ...], dict[str, Any]]


class _Unknown(Exception):
    """A series or point that cannot be taken; says why."""


@dataclass
class Gathered:
    """The rows of all files by stream, project and what tells them apart; and what was set apart."""

    rows: Rows = field(default_factory=dict[tuple[Any, ...], dict[str, Any]])
    quarantine: Quarantine = field(default_factory=lambda: Quarantine(TOKEN_COUNTS))
    series: int = 0

    def read(self, path: Path, file: str) -> None:
        """Take the series of one file; one without any, that is no broken JSON either, is passed over."""
        aside = Quarantine(TOKEN_COUNTS)
        before, others = self.series, 0
        for item in json_rows(path, file, aside):
            earlier = self.series
            self.take(item, file)
            others += self.series == earlier
        found = self.series - before
        if found or (may_be_json(aside) and not others):
            self.quarantine.rows += aside.rows
            logger.info("read time series", extra={"file": file, "series": found})
        else:
            logger.warning("passed over %s: it holds no time series", file)

    def take(self, item: Mapping[str, Any], file: str) -> None:
        """Take a JSON object of a file: one series, or a page of them."""
        page = item.get("timeSeries")
        for series in cast(list[Any], page) if isinstance(page, list) else [item]:
            if isinstance(series, dict) and "metric" in series and "points" in series:
                self.series += 1
                self._take_series(cast(dict[str, Any], series), file)

    def _take_series(self, series: Mapping[str, Any], file: str) -> None:
        metric = BY_TYPE.get(str(_mapping(series.get("metric")).get("type")))
        if metric is None:
            return
        resource = _mapping(_mapping(series.get("resource")).get("labels"))
        labels = {str(name): str(value) for part in (_mapping(_mapping(series.get("metric")).get("labels")), resource)
                  for name, value in part.items()}  # fmt: skip
        project = labels.get("project_id") or labels.get("resource_container", "").removeprefix("projects/")
        try:
            if not project or not labels.get("model_user_id"):
                raise _Unknown(f"the series of {metric.name} names no project or no model")
        except _Unknown as reason:
            self.quarantine.put(file=file, reason=str(reason), row=str(sorted(labels.items())))
            return
        points = series.get("points")
        for point in cast(list[Any], points) if isinstance(points, list) else []:
            try:
                self._add(metric, _row(project, metric, labels, point))
            except _Unknown as reason:
                self.quarantine.put(file=file, reason=str(reason), row=str(point))

    def _add(self, metric: Metric, row: dict[str, Any]) -> None:
        names = (*metric.stream.schema.names,)
        key = tuple(row.get(name) for name in names if name not in ("value", "mean_ms", "bounds_ms", "bucket_counts"))
        earlier = self.rows.get((metric.stream.stream, key))
        if earlier is not None:
            row = _together(metric, earlier, row)
        self.rows[metric.stream.stream, key] = row


def _row(project: str, metric: Metric, labels: Mapping[str, str], point: Any) -> dict[str, Any]:
    interval, value = _mapping(_mapping(point).get("interval")), _mapping(_mapping(point).get("value"))
    end = _moment(interval.get("endTime"))
    # a gauge has no length: its start is its end or left out
    start = _moment(interval.get("startTime") or interval.get("endTime"))
    hour = (start if start < end else end).replace(minute=0, second=0, microsecond=0)
    if start == end and end == hour:
        hour = end - HOUR
    if end > hour + HOUR:
        raise _Unknown(f"a point of {metric.name} reaches over the end of its hour ({start} to {end})")
    measured = _histogram(value) if metric.is_distribution else {"value": _whole(value.get("int64Value"))}
    return labelled(project, metric, labels, hour) | measured


def _together(metric: Metric, one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two values of the same hour as one."""
    if metric.is_gauge:
        return one | {"value": max(one["value"], other["value"])}
    total = one["value"] + other["value"]
    if not metric.is_distribution:
        return one | {"value": total}
    if one["bounds_ms"] != other["bounds_ms"]:
        raise _Unknown(f"histograms of {metric.name} in one hour have different buckets")
    length = max(len(one["bucket_counts"]), len(other["bucket_counts"]))
    padded = [part["bucket_counts"] + [0] * (length - len(part["bucket_counts"])) for part in (one, other)]
    mean = (one["mean_ms"] * one["value"] + other["mean_ms"] * other["value"]) / total if total else 0.0
    counts = [first + second for first, second in zip(*padded, strict=True)]
    return one | {"value": total, "mean_ms": mean, "bucket_counts": counts}


def _histogram(value: Mapping[str, Any]) -> dict[str, Any]:
    found = _mapping(value.get("distributionValue"))
    options = _mapping(found.get("bucketOptions"))
    explicit, linear, grown = (
        _mapping(options.get(f"{name}Buckets")) for name in ("explicit", "linear", "exponential")
    )
    try:
        if linear:
            bounds = bucket_bounds(
                "linear", float(linear.get("offset", 0)), float(linear["width"]), int(linear["numFiniteBuckets"])
            )
        elif grown:
            bounds = bucket_bounds(
                "exponential", float(grown["scale"]), float(grown["growthFactor"]), int(grown["numFiniteBuckets"])
            )
        else:
            bounds = [float(bound) for bound in explicit.get("bounds", [])]
        mean = float(found.get("mean", 0))
        counts = [_whole(count) for count in found.get("bucketCounts", [])]
    except (KeyError, TypeError, ValueError, OverflowError, ArithmeticError) as error:
        raise _Unknown("a histogram has buckets that cannot be read") from error
    return {"value": _whole(found.get("count", 0)), "mean_ms": mean, "bounds_ms": bounds, "bucket_counts": counts}


def _whole(found: Any) -> int:
    try:
        number = int(str(found))
    except ValueError as error:
        raise _Unknown(f"a point is {str(found)[:40]!r}, no whole number") from error
    if not 0 <= number < 2**62:
        raise _Unknown(f"a point is {number}, out of range")
    return number


def _moment(found: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(found))
    except ValueError as error:
        raise _Unknown(f"a point's time is {str(found)[:40]!r}") from error
    if moment.year not in YEARS:
        raise _Unknown(f"a point's time is {str(found)[:40]!r}, outside of the years {YEARS[0]} to {YEARS[-1]}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _mapping(found: Any) -> dict[str, Any]:
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}
