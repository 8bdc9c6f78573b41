"""Vertex AI's serving metrics by hour, as Cloud Monitoring keeps them: per project, place and model, no teams."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from emulator.gcp.catalog import load_catalog
from emulator.gcp.traffic import StreamTraffic, gsu_limit

if TYPE_CHECKING:
    from emulator.world import Stream, World

PREFIX = "aiplatform.googleapis.com/publisher/online_serving/"
RESOURCE_TYPE = "aiplatform.googleapis.com/PublisherModel"
# What the metric list says of each: kind and the labels of its own.
KINDS = {
    "token_count": "DELTA",
    "model_invocation_count": "DELTA",
    "consumed_token_throughput": "DELTA",
    "dedicated_gsu_limit": "GAUGE",
    "dedicated_token_limit": "GAUGE",
    "dedicated_gsu_project_max_limit": "GAUGE",
    "dedicated_token_project_max_limit": "GAUGE",
    "model_invocation_latencies": "DELTA",
    "first_token_latencies": "DELTA",
}
DISTRIBUTIONS = ("model_invocation_latencies", "first_token_latencies")
# labels that Google added after the others
NEWER_LABELS = ("shared_request_type", "explicit_caching", "error_category", "accounting_resource", "latency_type")
METRIC_LABELS = ("type", "request_type", "response_code", "method", "modality", "source", *NEWER_LABELS)
# exponential buckets: underflow, eight finite ones from 100 ms doubling, overflow
BUCKETS = {"scale": 100.0, "growth_factor": 2.0, "num_finite_buckets": 8}
# how many of a hundred calls fall into each bucket, and the mean of all in milliseconds
LATENCY_SHAPES = {
    "model_invocation_latencies": ((0, 2, 8, 20, 34, 20, 10, 4, 2, 0), 1450),
    "first_token_latencies": ((4, 30, 36, 18, 8, 3, 1, 0, 0, 0), 310),
}
RESOURCE_LABELS = ("resource_container", "location", "publisher", "model_user_id", "model_version_id")
SERIES_SCHEMA = pa.schema(
    [
        ("metric", pa.string()),
        *((name, pa.string()) for name in METRIC_LABELS),
        *((name, pa.string()) for name in RESOURCE_LABELS),
        ("hour_start", pa.timestamp("us", tz="UTC")),
        ("value", pa.int64()),
    ]
)
LATENCY_SCHEMA = pa.schema([*SERIES_SCHEMA, pa.field("buckets", pa.list_(pa.int64()))])
_KEYS = [name for name in SERIES_SCHEMA.names if name != "value"]


@dataclass(frozen=True)
class _Series:
    metric: str
    labels: Mapping[str, str]
    hours: np.ndarray
    values: np.ndarray


def series_table(world: "World", traffic: list[StreamTraffic]) -> pa.Table:
    """One row per time series and hour; streams that Google cannot tell apart are summed."""
    parts = [_rows(series, part.stream) for part in traffic for series in _series(world, part)]
    if not parts:
        return SERIES_SCHEMA.empty_table()
    joined = pa.concat_tables(parts)
    gauges = joined.group_by(_KEYS).aggregate([("value", "sum")]).rename_columns({"value_sum": "value"})
    return gauges.select(SERIES_SCHEMA.names).cast(SERIES_SCHEMA).sort_by([(name, "ascending") for name in _KEYS])


def latency_table(traffic: list[StreamTraffic]) -> pa.Table:
    """One row per latency series and hour, with the counts of its buckets; `value` is their sum."""
    parts = []
    for part in traffic:
        answered = part.counts["request_count"]
        for metric in DISTRIBUTIONS:
            shares = np.array(LATENCY_SHAPES[metric][0])
            buckets = answered[:, None] * shares[None, :] // 100
            # what rounding left over goes to the fullest bucket
            buckets[:, int(shares.argmax())] += answered - buckets.sum(axis=1)
            labels = {"request_type": "dedicated" if part.stream.via.get("order") else "shared"}
            rows = _rows(_Series(metric, labels, part.hours, answered), part.stream)
            parts.append(rows.append_column("buckets", pa.array(buckets[answered > 0].tolist(), pa.list_(pa.int64()))))
    return pa.concat_tables(parts) if parts else LATENCY_SCHEMA.empty_table()


def _token_types(part: StreamTraffic, request_type: str) -> Iterator[tuple[str, np.ndarray]]:
    """Google's types of token: Claude's cached tokens are types of their own, Gemini's are inside `input`."""
    tokens = part.tokens[request_type]
    cached = ("cache_read", "cache_read_input"), ("cache_write_5m", "cache_write_input")
    if part.stream.model.startswith("claude"):
        yield "input", tokens["input"]
        for name, kind in (*cached, ("cache_write_1h", "cache_write_1h_input")):
            yield kind, tokens[name]
    else:
        prompt = tokens["input"] + tokens["cache_read"] + tokens["cache_write_5m"] + tokens["cache_write_1h"]
        yield "input", prompt
    yield "output", tokens["output"]


def _series(world: "World", part: StreamTraffic) -> Iterator[_Series]:
    for request_type in part.tokens:
        tier = {"shared_request_type": "standard"} if request_type == "shared" else {}
        for kind, values in _token_types(part, request_type):
            labels = {"type": kind, "request_type": request_type, "modality": "text", "source": "online", **tier}
            yield _Series("token_count", labels, part.hours, values)
    counts = part.counts
    answered = {"dedicated": part.dedicated_requests, "shared": counts["request_count"] - part.dedicated_requests}
    for request_type, values in answered.items():
        yield _Series("model_invocation_count", _call("200", request_type), part.hours, values)
    yield _Series("model_invocation_count", _call("429", "shared"), part.hours, counts["throttled_count"])
    yield _Series("model_invocation_count", _call("503", "shared"), part.hours, counts["error_count"])
    for order in world.organisation.gcp["gsu_orders"]:
        if part.stream.via.get("order") == order["order_id"]:
            yield from _limits(world, part, int(order["gsus"]))


def _limits(world: "World", part: StreamTraffic, gsus: int) -> Iterator[_Series]:
    first = np.datetime64(world.day(-world.days), "us")
    hours = np.arange(first, np.datetime64(world.as_of.replace(tzinfo=None), "us"), np.timedelta64(1, "h"))
    yield _Series("dedicated_gsu_limit", {}, hours, np.full(len(hours), gsus))
    yield _Series("dedicated_token_limit", {}, hours, np.full(len(hours), gsu_limit(gsus)))
    mine = {"accounting_resource": f"projects/{part.stream.account}"}
    yield _Series("dedicated_gsu_project_max_limit", mine, hours, np.full(len(hours), gsus))
    yield _Series("dedicated_token_project_max_limit", mine, hours, np.full(len(hours), gsu_limit(gsus)))
    labels = {"request_type": "dedicated", "modality": "text", **mine}
    yield _Series("consumed_token_throughput", labels, part.hours, part.burned)


def _call(code: str, request_type: str) -> dict[str, str]:
    tier = {"shared_request_type": "standard"} if request_type == "shared" else {}
    category = {"429": "user_error", "503": "system_error"}.get(code, "")
    labels = {"response_code": code, "request_type": request_type, "method": "generateContent"}
    return {**labels, "error_category": category, **tier}


def _rows(series: _Series, stream: "Stream") -> pa.Table:
    used = series.values > 0
    count = int(used.sum())
    is_global = stream.id in load_catalog().raw["global_endpoint"]
    is_claude = stream.model.startswith("claude")
    labels = {
        "metric": PREFIX + series.metric,
        **series.labels,
        "resource_container": stream.account,
        "location": "global" if is_global else stream.region,
        "publisher": "anthropic" if is_claude else "google",
        "model_user_id": stream.model,
        "model_version_id": "20250929" if is_claude else "default",
    }
    columns = [pa.array([labels.get(name, "")] * count, pa.string()) for name in SERIES_SCHEMA.names[:-2]]
    hours = pa.array(series.hours[used].astype("datetime64[us]")).cast(pa.timestamp("us", tz="UTC"))
    return pa.Table.from_arrays([*columns, hours, pa.array(series.values[used], pa.int64())], schema=SERIES_SCHEMA)
