"""What is read of Vertex AI's serving metrics, and how one point of a series becomes a row.

Labels that Google adds are summed over; those that only newer series have are asked for and done without where the API
refuses them. Distributions land with the bounds and counts of their buckets, whichever way Google writes the bounds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingest.contracts import StreamContract
from ingest.errors import TerminalError

if TYPE_CHECKING:
    from google.cloud.monitoring_v3 import types

SOURCE = "gcp_vertex"
PREFIX = "aiplatform.googleapis.com/publisher/online_serving/"
HOUR = timedelta(hours=1)
PLACE = ("location", "publisher", "model_user_id")
_UTC, _TEXT, _COUNT = pa.timestamp("us", tz="UTC"), pa.string(), pa.int64()
_MEASURED: tuple[tuple[str, pa.DataType], ...] = (
    ("value", _COUNT),
    ("mean_ms", pa.float64()),
    ("bounds_ms", pa.list_(pa.float64())),
    ("bucket_counts", pa.list_(_COUNT)),
)


def _stream(name: str, *labels: str, is_distribution: bool = False) -> StreamContract:
    fields = [("project_id", _TEXT), *((label, _TEXT) for label in (*PLACE, *labels))]
    fields += [("metric", _TEXT), ("hour_start", _UTC), *_MEASURED[: 4 if is_distribution else 1]]
    schema = pa.schema([pa.field(field_name, kind) for field_name, kind in fields])
    required = ("project_id", "model_user_id", "metric", "hour_start", "value")
    return StreamContract(SOURCE, name, schema, required, empty_ok=True)


TOKEN_COUNTS = _stream("token_counts", "type", "request_type", "shared_request_type", "source", "explicit_caching")
INVOCATIONS = _stream("invocations", "response_code", "request_type", "shared_request_type", "error_category")
GSU = _stream("gsu", "request_type", "accounting_resource")
LATENCIES = _stream("latencies", "request_type", "latency_type", is_distribution=True)
STREAMS = (TOKEN_COUNTS, INVOCATIONS, GSU, LATENCIES)


@dataclass(frozen=True)
class Metric:
    """One metric: which stream it lands in, its labels to keep, and how an hour of points becomes one value.

    `newer` are labels that not every project's series have, and that an older API does not know.
    """

    name: str
    stream: StreamContract
    labels: tuple[str, ...] = ()
    newer: tuple[str, ...] = ()
    is_gauge: bool = False

    @property
    def is_distribution(self) -> bool:
        """Whether a point holds a histogram."""
        return self.stream is LATENCIES


METRICS = (
    Metric(
        "token_count", TOKEN_COUNTS, ("type", "request_type"), ("shared_request_type", "source", "explicit_caching")
    ),
    Metric(
        "model_invocation_count",
        INVOCATIONS,
        ("response_code", "request_type"),
        ("shared_request_type", "error_category"),
    ),
    Metric("consumed_token_throughput", GSU, ("request_type",), ("accounting_resource",)),
    Metric("dedicated_gsu_limit", GSU, is_gauge=True),
    Metric("dedicated_token_limit", GSU, is_gauge=True),
    Metric("dedicated_gsu_project_max_limit", GSU, (), ("accounting_resource",), is_gauge=True),
    Metric("dedicated_token_project_max_limit", GSU, (), ("accounting_resource",), is_gauge=True),
    Metric("model_invocation_latencies", LATENCIES, ("request_type",), ("latency_type",)),
    Metric("first_token_latencies", LATENCIES, ("request_type",), ("latency_type",)),
)
BY_TYPE = {PREFIX + metric.name: metric for metric in METRICS}


def series_rows(project: str, metric: Metric, series: "types.TimeSeries") -> Iterator[dict[str, Any]]:
    """One row per point of a series aligned to hours.

    Raises:
        TerminalError: a point is of another kind than the metric has.
    """
    # the wrapper classes cost ten times the work on a hundred thousand points
    from google.cloud.monitoring_v3 import types

    wrapper: Any = types.TimeSeries
    message = wrapper.pb(series)
    labels = {**message.metric.labels, **message.resource.labels}
    wanted = "distribution_value" if metric.is_distribution else "int64_value"
    for point in message.points:
        if point.value.WhichOneof("value") != wanted:
            what = "histograms" if metric.is_distribution else "whole numbers"
            raise TerminalError(
                f"{SOURCE}: {metric.name} of {project} holds points that are no {what}.",
                "Google changed the metric's type; do not load it until the contract is adapted.",
            )
        # points of an aligned series are stamped at the end of their hour
        hour = datetime.fromtimestamp(point.interval.end_time.seconds, UTC) - HOUR
        found = point.value
        measured = _histogram(found.distribution_value) if metric.is_distribution else {"value": found.int64_value}
        yield labelled(project, metric, labels, hour) | measured


def labelled(project: str, metric: Metric, labels: Mapping[str, str], hour: datetime) -> dict[str, Any]:
    """The part of a row that tells it from others; a label that a series does not have is NULL."""
    kept = {name: labels.get(name) for name in (*PLACE, *metric.labels, *metric.newer)}
    return kept | {"project_id": project, "metric": metric.name, "hour_start": hour}


def bucket_bounds(kind: str, first: float, step: float, count: int) -> list[float]:
    """The upper bounds of a histogram's finite buckets, the underflow's first."""
    if kind == "linear":
        return [first + step * number for number in range(count + 1)]
    return [first * step**number for number in range(count + 1)]


def _histogram(found: Any) -> dict[str, Any]:
    options = found.bucket_options
    kind = options.WhichOneof("options")
    if kind == "explicit_buckets":
        bounds = list(options.explicit_buckets.bounds)
    elif kind == "linear_buckets":
        linear = options.linear_buckets
        bounds = bucket_bounds("linear", linear.offset, linear.width, linear.num_finite_buckets)
    else:
        grown = options.exponential_buckets
        bounds = bucket_bounds("exponential", grown.scale, grown.growth_factor, grown.num_finite_buckets)
    return {
        "value": found.count,
        "mean_ms": found.mean,
        "bounds_ms": bounds,
        "bucket_counts": list(found.bucket_counts),
    }


def in_order(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in an order that is the same on every read."""
    names = ("hour_start", "metric", *PLACE, "type", "request_type", "shared_request_type", "source",
             "explicit_caching", "response_code", "error_category", "accounting_resource", "latency_type")  # fmt: skip
    return sorted(rows, key=lambda row: [str(row.get(name)) for name in names])
