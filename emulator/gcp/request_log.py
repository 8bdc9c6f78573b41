"""Vertex AI's inference request metadata log: one entry per request of the streams that have it switched on.

An hour's requests and tokens are dealt out to single requests, so that the entries sum to what was served. The fields
of the payload are those that Google documents (model, region, token counts, burndown, latency, error, both label
kinds); their exact spelling is not public.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from emulator.gcp.catalog import load_catalog
from emulator.gcp.traffic import StreamTraffic

if TYPE_CHECKING:
    from emulator.world import World

LOG_ID = "aiplatform.googleapis.com%2Finference_request_metadata"
HOUR_US = 3_600_000_000
RETENTION_DAYS = 30
ENTRY_SCHEMA = pa.schema(
    [
        ("project", pa.string()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("insert_id", pa.string()),
        ("severity", pa.string()),
        ("payload", pa.string()),
    ]
)


def entry_table(world: "World", traffic: list[StreamTraffic]) -> pa.Table:
    """One row per logged request, by project and time."""
    first_days = {item["stream"]: int(item["from_day"]) for item in world.organisation.gcp.get("request_logs", [])}
    rows: list[dict[str, Any]] = []
    for part in traffic:
        if part.stream.id in first_days:
            first = np.datetime64(world.day(max(first_days[part.stream.id], -world.days)), "us")
            rows += _entries(world, part, first)
    table = pa.Table.from_pylist(rows, schema=ENTRY_SCHEMA)
    return table.sort_by([("project", "ascending"), ("timestamp", "ascending"), ("insert_id", "ascending")])


def _entries(world: "World", part: StreamTraffic, first: np.datetime64) -> list[dict[str, Any]]:
    rng = world.rng(f"request-log:{part.stream.id}")
    thinking = int(load_catalog().raw["thinking_pct"].get(part.stream.model, 0))
    rows = []
    for number in np.flatnonzero(part.hours >= first):
        hour = int(part.hours[number].astype("datetime64[us]").astype(np.int64))
        served = {
            kind: {name: int(values[number]) for name, values in part.tokens[kind].items()} for kind in part.tokens
        }
        dedicated = int(part.dedicated_requests[number])
        groups = [
            ("dedicated", "", dedicated, served["dedicated"]),
            ("shared", "", int(part.counts["request_count"][number]) - dedicated, served["shared"]),
            ("shared", "RESOURCE_EXHAUSTED", int(part.counts["throttled_count"][number]), {}),
            ("shared", "UNAVAILABLE", int(part.counts["error_count"][number]), {}),
        ]
        for request_type, error, count, tokens in groups:
            rows += _group(part, rng, hour, (request_type, error, count), tokens, thinking)
    return rows


def _group(
    part: StreamTraffic,
    rng: np.random.Generator,
    hour: int,
    what: tuple[str, str, int],
    tokens: Mapping[str, int],
    thinking: int,
) -> list[dict[str, Any]]:
    request_type, error, count = what
    if not count:
        return []
    shares = rng.random(count) + 0.5
    dealt = {name: _deal(total, shares) for name, total in tokens.items()}
    moments = np.sort(rng.integers(0, HOUR_US, count)) + hour
    latencies = rng.integers(300, 9000, count)
    rows = []
    for number in range(count):
        mine = {name: int(values[number]) for name, values in dealt.items()}
        payload = _payload(part, request_type, mine, thinking) | {"latencyMs": int(latencies[number])}
        if error:
            payload["errorCode"] = error
        rows.append(
            {
                "project": part.stream.account,
                "timestamp": int(moments[number]),
                "insert_id": f"{part.stream.id}-{int(moments[number]):x}-{request_type[0]}{error[:1]}{number:x}",
                "severity": "ERROR" if error else "INFO",
                "payload": json.dumps(payload),
            }
        )
    return rows


def _payload(part: StreamTraffic, request_type: str, mine: Mapping[str, int], thinking: int) -> dict[str, Any]:
    stream, labels = part.stream, part.stream.via.get("labels", {})
    is_claude = stream.model.startswith("claude")
    is_global = stream.id in load_catalog().raw["global_endpoint"]
    publisher = "anthropic" if is_claude else "google"
    payload: dict[str, Any] = {
        "model": f"publishers/{publisher}/models/{stream.model}",
        "location": "global" if is_global else stream.region,
        "method": "streamRawPredict" if is_claude else "generateContent",
        "requestType": request_type,
        # labels of Claude go into a header, those of Gemini into the request
        ("headerLabels" if is_claude else "requestLabels"): dict(labels),
    }
    if not mine:
        return payload
    if is_claude:
        written = mine["cache_write_5m"] + mine["cache_write_1h"]
        counts = {"cacheReadInputTokens": mine["cache_read"], "cacheCreationInputTokens": written}
        return payload | {"inputTokens": mine["input"], "outputTokens": mine["output"], **counts}
    thought = mine["output"] * thinking // 100
    return payload | {
        "inputTokenCount": mine["input"] + mine["cache_read"],
        "cachedTokenCount": mine["cache_read"],
        "outputTokenCount": mine["output"] - thought,
        "thoughtTokenCount": thought,
    }


def _deal(total: int, shares: np.ndarray) -> np.ndarray:
    """Whole parts of `total` in proportion to the shares, which sum to it exactly."""
    ends = np.floor(np.cumsum(shares) / shares.sum() * total).astype(np.int64)
    ends[-1] = total
    return np.diff(ends, prepend=0)
