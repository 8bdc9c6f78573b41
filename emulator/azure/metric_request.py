"""What a metrics request of Azure Monitor asks for, read from its query parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from emulator.azure.metric_names import METRICS
from emulator.azure.wire import Call, bad_request

NAMESPACE = "microsoft.cognitiveservices/accounts"
RETENTION = timedelta(days=93)
LARGEST_METRICS = 20
DEFAULT_TOP = 10
AGGREGATIONS = ("total", "average", "maximum", "minimum")
# minutes of a step
INTERVALS = {"PT1M": 1, "PT1H": 60, "P1D": 1440}


@dataclass(frozen=True)
class Wanted:
    """A metrics request: half-open span, the dimensions to split by and the values asked for (`*` for all).

    `step` is in minutes.
    """

    names: tuple[str, ...]
    aggregations: tuple[str, ...]
    start: datetime
    end: datetime
    step: int
    interval: str
    filters: Mapping[str, frozenset[str]]
    top: int


def read_request(call: Call, now: datetime, start: str | None, end: str | None, filter_text: str | None) -> Wanted:
    """The request; raises Azure's 400 for what Monitor does not know."""
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
