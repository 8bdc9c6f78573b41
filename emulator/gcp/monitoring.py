"""Cloud Monitoring over gRPC: ListTimeSeries with filter, alignment, grouping and pages; ListMetricDescriptors."""

import operator
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import grpc
import numpy as np
from google.api import metric_pb2, monitored_resource_pb2
from google.cloud.monitoring_v3 import types

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.gcp.grpc_faults import refuse
from emulator.gcp.metrics import (
    BUCKETS,
    DISTRIBUTIONS,
    KINDS,
    LATENCY_SHAPES,
    METRIC_LABELS,
    NEWER_LABELS,
    PREFIX,
    RESOURCE_LABELS,
    RESOURCE_TYPE,
)
from emulator.gcp.permissions import Permissions

SERVICE = "google.monitoring.v3.MetricService"
HOUR = timedelta(hours=1)
DEFAULT_PAGE = 1000
_TERM = re.compile(r"^(project|metric\.type|resource\.type|(?:metric|resource)\.labels?\.(\w+))\s*(!?=)\s*(.+)$")
_SUM, _NONE = types.Aggregation.Aligner.ALIGN_SUM, types.Aggregation.Aligner.ALIGN_NONE
_LAST = (
    types.Aggregation.Aligner.ALIGN_MAX,
    types.Aggregation.Aligner.ALIGN_NEXT_OLDER,
    types.Aggregation.Aligner.ALIGN_MEAN,
)
_REDUCERS = {types.Aggregation.Reducer.REDUCE_SUM: operator.add, types.Aggregation.Reducer.REDUCE_MAX: max}
Key = tuple[str, ...]
# a count, or the counts of a histogram's buckets
Points = dict[datetime, Any]


@dataclass(frozen=True)
class Monitoring:
    """The calls of the metric service on one generated world."""

    folder: Path
    clock: Clock
    faults: Faults
    permissions: Permissions = field(default_factory=Permissions)

    def handlers(self) -> grpc.GenericRpcHandler:
        """What a gRPC server needs to serve this."""
        descriptors = grpc.unary_unary_rpc_method_handler(
            self._descriptors,
            types.ListMetricDescriptorsRequest.deserialize,
            types.ListMetricDescriptorsResponse.serialize,
        )
        series = grpc.unary_unary_rpc_method_handler(
            self._series, types.ListTimeSeriesRequest.deserialize, types.ListTimeSeriesResponse.serialize
        )
        methods = {"ListMetricDescriptors": descriptors, "ListTimeSeries": series}
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    def _descriptors(
        self, request: types.ListMetricDescriptorsRequest, context: grpc.ServicerContext
    ) -> types.ListMetricDescriptorsResponse:
        refuse(self.faults.take("gcp", "ListMetricDescriptors", {"name": request.name}), context)
        self.permissions.refuse(context, ("monitoring.metricDescriptors.list", request.name))
        found = []
        for name, kind in KINDS.items():
            descriptor = metric_pb2.MetricDescriptor(
                name=f"{request.name}/metricDescriptors/{PREFIX}{name}",
                type=PREFIX + name,
                metric_kind=kind,
                value_type="DISTRIBUTION" if name in DISTRIBUTIONS else "INT64",
                unit="ms" if name in DISTRIBUTIONS else "1",
                monitored_resource_types=[RESOURCE_TYPE],
            )
            found.append(descriptor)
        return types.ListMetricDescriptorsResponse(metric_descriptors=found)

    def _series(
        self, request: types.ListTimeSeriesRequest, context: grpc.ServicerContext
    ) -> types.ListTimeSeriesResponse:
        fault = self.faults.take("gcp", "ListTimeSeries", {"name": request.name, "filter": request.filter})
        refuse(fault, context)
        self.permissions.refuse(context, ("monitoring.timeSeries.list", request.name))
        try:
            metric, wanted = _parse_filter(request.filter)
            if fault is not None and fault.kind == "wrong_schema":
                _refuse_newer(request.aggregation)
            found = self._aligned(request, metric, wanted)
            if fault is not None and fault.kind == "empty":
                found = {}
            if fault is not None and fault.kind == "late_day":
                found = _without_last_day(found, self.clock.now())
            grouped = _grouped(found, request.aggregation)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        start, size = int(request.page_token or 0), request.page_size or DEFAULT_PAGE
        chosen = sorted(grouped.items())[start : start + size]
        following = str(start + size) if start + size < len(grouped) else ""
        step: Any = request.aggregation.alignment_period or HOUR
        is_bare = request.view == types.ListTimeSeriesRequest.TimeSeriesView.HEADERS
        shown = [(key, {} if is_bare else points) for key, points in chosen if points]
        series = [_time_series(metric, key, points, step) for key, points in shown]
        return types.ListTimeSeriesResponse(time_series=series, next_page_token=following)

    def _aligned(
        self, request: types.ListTimeSeriesRequest, metric: str, wanted: Mapping[str, str]
    ) -> dict[Key, Points]:
        if KINDS.get(metric.removeprefix(PREFIX)) is None:
            return {}
        aggregation, kind = request.aggregation, KINDS[metric.removeprefix(PREFIX)]
        start, end = (_utc(moment) for moment in (request.interval.start_time, request.interval.end_time))
        if start >= end:
            raise ValueError("Field interval.end_time had an invalid value: it must be later than the start time.")
        aligner: Any = aggregation.per_series_aligner
        step: Any = aggregation.alignment_period
        if aligner != _NONE and step and step < timedelta(minutes=1):
            raise ValueError("Field aggregation.alignmentPeriod had an invalid value: it must be at least 60 seconds.")
        if aligner == _SUM and kind != "DELTA":
            raise ValueError(
                f"Field aggregation.perSeriesAligner had an invalid value of ALIGN_SUM for a {kind} metric."
            )
        if aligner in _LAST and kind != "GAUGE":
            raise ValueError(
                "Field aggregation.perSeriesAligner is not supported for this metric by the local service."
            )
        found: dict[Key, Points] = defaultdict(dict)
        for key, hour, value in self._hours(request.name, metric, wanted, start, min(end, self.clock.now())):
            at = hour + HOUR if aligner == _NONE or not step else end - (end - hour - HOUR) // step * step
            earlier = found[key].get(at)
            found[key][at] = value if earlier is None else earlier + value if kind == "DELTA" else max(earlier, value)
        return found

    def _hours(
        self, name: str, metric: str, wanted: Mapping[str, str], start: datetime, end: datetime
    ) -> Iterable[tuple[Key, datetime, Any]]:
        conditions = {"resource_container": name.removeprefix("projects/"), **wanted}
        where = "".join(f" AND {column} = ?" for column in conditions)
        columns = ", ".join((*METRIC_LABELS, *RESOURCE_LABELS))
        is_histogram = metric.removeprefix(PREFIX) in DISTRIBUTIONS
        query = f"""
            SELECT {columns}, epoch(hour_start)::BIGINT, {"buckets" if is_histogram else "value"}
            FROM read_parquet(?)
            WHERE metric = ? AND hour_start >= ? AND hour_start + INTERVAL 1 HOUR <= ?{where}
        """
        file = "latencies.parquet" if is_histogram else "metrics.parquet"
        values = [str(self.folder / file), metric, start, end, *conditions.values()]
        with self._connection.cursor() as cursor:
            rows = cursor.execute(query, values).fetchall()
        measured = np.array if is_histogram else int
        return [(tuple(row[:-2]), datetime.fromtimestamp(row[-2], UTC), measured(row[-1])) for row in rows]

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(config={"memory_limit": "256MB", "threads": 1})
        connection.execute("SET TimeZone = 'UTC'")
        return connection


def _parse_filter(text: str) -> tuple[str, dict[str, str]]:
    """Metric type and label conditions of a filter made of `=` terms joined by AND; ValueError for anything else."""
    metric, wanted = "", {}
    for term in re.split(r"\s+AND\s+|\s*\n\s*", text.strip()):
        match = _TERM.match(term.strip())
        if match is None or match[3] != "=":
            raise ValueError(f"Field filter had an invalid value of {text!r}: cannot parse {term!r}.")
        field, label, value = match[1], match[2], match[4].strip().strip("\"'")
        if field == "metric.type":
            metric = value
        elif field == "project":
            wanted["resource_container"] = value
        elif label:
            if label not in (*METRIC_LABELS, *RESOURCE_LABELS):
                raise ValueError(f"Field filter had an invalid value: unknown label {label!r}.")
            wanted[label] = value
    if not metric:
        raise ValueError("Field filter had an invalid value: it must name exactly one metric type.")
    return metric, wanted


def _grouped(found: Mapping[Key, Points], aggregation: types.Aggregation) -> dict[Key, Points]:
    """Series reduced over the labels that are not grouped by; as they are where no reducer is set."""
    reducer = aggregation.cross_series_reducer
    if reducer == types.Aggregation.Reducer.REDUCE_NONE:
        return dict(found)
    if reducer not in _REDUCERS:
        raise ValueError(f"Field aggregation.crossSeriesReducer is not supported by the local service: {reducer}.")
    reduce = _REDUCERS[reducer]
    kept = {field.rpartition(".")[2] for field in aggregation.group_by_fields}
    names = (*METRIC_LABELS, *RESOURCE_LABELS)
    result: dict[Key, Points] = defaultdict(dict)
    for key, points in found.items():
        short = tuple(value if name in kept else "" for name, value in zip(names, key, strict=True))
        for at, value in points.items():
            earlier = result[short].get(at)
            result[short][at] = value if earlier is None else reduce(earlier, value)
    return dict(result)


def _without_last_day(found: Mapping[Key, Points], now: datetime) -> dict[Key, Points]:
    return {
        key: {at: value for at, value in points.items() if at <= now - timedelta(days=1)}
        for key, points in found.items()
    }


def _time_series(metric: str, key: Key, points: Points, step: timedelta) -> types.TimeSeries:
    kind = KINDS[metric.removeprefix(PREFIX)]
    split = len(METRIC_LABELS)
    # newest first, as the service does
    back = int(step.total_seconds()) if kind == "DELTA" else 0
    listed = []
    for at, value in sorted(points.items(), reverse=True):
        end = int(at.timestamp())
        interval = {"start_time": {"seconds": end - back}, "end_time": {"seconds": end}}
        listed.append({"interval": interval, "value": _value(metric, value)})
    metric_labels = {name: value for name, value in zip(METRIC_LABELS, key[:split], strict=True) if value}
    resource_labels = {name: value for name, value in zip(RESOURCE_LABELS, key[split:], strict=True) if value}
    message = types.TimeSeries.pb()(
        metric=metric_pb2.Metric(type=metric, labels=metric_labels),
        resource=monitored_resource_pb2.MonitoredResource(type=RESOURCE_TYPE, labels=resource_labels),
        metric_kind=kind,
        value_type="DISTRIBUTION" if metric.removeprefix(PREFIX) in DISTRIBUTIONS else "INT64",
        points=listed,
    )
    return types.TimeSeries.wrap(message)


def _value(metric: str, found: Any) -> dict[str, Any]:
    name = metric.removeprefix(PREFIX)
    if name not in DISTRIBUTIONS:
        return {"int64_value": found}
    options = {"exponential_buckets": BUCKETS}
    histogram = {"count": int(found.sum()), "mean": LATENCY_SHAPES[name][1], "bucket_options": options}
    # trailing empty buckets are left out, as the service does
    counts = np.trim_zeros(found, "b").tolist()
    return {"distribution_value": {**histogram, "bucket_counts": counts}}


def _refuse_newer(aggregation: types.Aggregation) -> None:
    """Answer as a service that knows the older labels only."""
    for field_name in aggregation.group_by_fields:
        if field_name.rpartition(".")[2] in NEWER_LABELS:
            raise ValueError(f"Field aggregation.groupByFields had an invalid value of {field_name!r}.")


def _utc(moment: Any) -> datetime:
    return datetime.fromtimestamp(moment.timestamp(), UTC)
