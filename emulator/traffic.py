"""Hourly usage of every stream, shaped by real traffic of anonymous applications of a public cloud's LLM service.

Each stream follows one client of the ServeGen trace (14 days in ten-minute windows): the shape within a day is the
client's own, hour by hour. The trace's unlabelled steps between days are damped to a few percent, so that what the
scenario plants is all there is to find. The wobble of request sizes is the client's own too; the wobble of cache hits
is that of the Mooncake conversation trace. Sources and licences: `data/traffic/README.md`.
"""

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pyarrow.csv as pa_csv

from emulator.organisation import DATA, Stream

METRICS = (
    "request_count",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "throttled_count",
    "error_count",
)
HOURS_PER_DAY = 24
TRACE_DAYS = 14
# Every client of the m-mid trace is silent for the same eight hours of its tenth day: an outage of that service.
SKIPPED_TRACE_DAYS = {"m-small": (), "m-mid": (9,)}
# Clients whose daily volume stays within about a third of its median and that never rest for a day.
STEADY_CLIENTS = (
    ("m-small", 5),
    ("m-mid", 101),
    ("m-mid", 48),
    ("m-mid", 66),
    ("m-small", 31),
    ("m-mid", 51),
    ("m-mid", 70),
    ("m-mid", 11),
    ("m-small", 8),
    ("m-mid", 14),
    ("m-mid", 95),
    ("m-mid", 103),
    ("m-mid", 7),
    ("m-mid", 54),
    ("m-small", 36),
    ("m-mid", 23),
)
# Clients whose request sizes the trace gives for every six hours.
SIZED_CLIENTS = (
    ("m-small", 31),
    ("m-small", 36),
    ("m-mid", 14),
    ("m-mid", 23),
    ("m-mid", 66),
    ("m-mid", 101),
    ("m-mid", 103),
)
LEVEL_SPREAD = 0.025
SIZE_SPREAD = 0.012
CACHE_SPREAD = 0.01
SEEDED_SPREAD = 0.012
LARGEST_GROWTH = 0.05
THROTTLED_SHARE = 0.0008
ERROR_SHARE = 0.002
CACHE_BLOCK_TOKENS = 512


@dataclass(frozen=True)
class Calendar:
    """The hours [first day 00:00 UTC, as_of) for which there is usage."""

    as_of: datetime
    days: int

    @property
    def first_day(self) -> date:
        return self.day(-self.days)

    @property
    def hours(self) -> int:
        start = datetime.combine(self.first_day, datetime.min.time(), UTC)
        return int((self.as_of - start).total_seconds() // 3600)

    def day(self, offset: int) -> date:
        """The date so many days after the as-of date (before it when negative)."""
        return self.as_of.date() + timedelta(days=offset)

    def span(self, first: date, last: date) -> slice:
        """The hour indices of the days first to last, both included, as far as there is usage."""
        start = (first - self.first_day).days * HOURS_PER_DAY
        end = ((last - self.first_day).days + 1) * HOURS_PER_DAY
        return slice(max(start, 0), min(max(end, 0), self.hours))


@dataclass(frozen=True)
class _ClientTrace:
    """One client's kept trace days: shares of the day by hour, and damped factors around 1."""

    shape: np.ndarray
    level: np.ndarray
    input_size: np.ndarray
    output_size: np.ndarray


def simulate(stream: Stream, calendar: Calendar, rng: np.random.Generator) -> np.ndarray:
    """Hourly usage of one stream, int64, one row per hour of the calendar, columns as in METRICS.

    Client, growth and phase belong to the stream; `rng` brings only the noise of the seed.
    """
    traffic = stream.traffic
    usage = np.zeros((calendar.hours, len(METRICS)), dtype=np.int64)
    own = np.random.default_rng(zlib.crc32(stream.id.encode()))
    trace = _client_trace(_pick(STEADY_CLIENTS, own), _pick(SIZED_CLIENTS, own))
    day_count = -(-calendar.hours // HOURS_PER_DAY)
    days = np.arange(day_count)
    trace_day = (days + int(own.integers(len(trace.level)))) % len(trace.level)
    level = float(traffic["requests"]) * trace.level[trace_day]
    level *= np.exp(np.clip(rng.normal(0.0, SEEDED_SPREAD, day_count), -0.03, 0.03))
    level *= (1.0 + own.uniform(0.0, LARGEST_GROWTH)) ** (days / day_count)
    level *= _presence(traffic, calendar, days)
    hourly = (level[:, None] * trace.shape[trace_day]).ravel()[: calendar.hours]
    # Whole requests without losing any: what one hour rounds off, the next hour gets.
    usage[:, 0] = np.diff(np.floor(np.cumsum(hourly)), prepend=0.0)

    prompt = np.rint(usage[:, 0] * float(traffic["input"]) * _by_hour(trace.input_size[trace_day], calendar))
    usage[:, 2] = np.rint(usage[:, 0] * float(traffic["output"]) * _by_hour(trace.output_size[trace_day], calendar))
    wobble = _cache_wobble()
    hit = wobble[(np.arange(calendar.hours) + int(own.integers(len(wobble)))) % len(wobble)]
    usage[:, 3] = np.floor(prompt * np.minimum(float(traffic["read"]) * hit, 0.97 - float(traffic["write"])))
    usage[:, 4] = np.floor(prompt * float(traffic["write"]))
    usage[:, 5] = np.floor(prompt * float(traffic.get("write_1h", 0.0)))
    usage[:, 1] = prompt.astype(np.int64) - usage[:, 3:6].sum(axis=1)
    usage[:, 6] = rng.binomial(usage[:, 0], THROTTLED_SHARE)
    usage[:, 7] = rng.binomial(usage[:, 0], ERROR_SHARE)
    return usage


def _presence(traffic: Mapping[str, Any], calendar: Calendar, days: np.ndarray) -> np.ndarray:
    """The weekend factor, and 0 outside the stream's life."""
    weekday = (calendar.first_day.weekday() + days) % 7
    factor = np.where(weekday >= 5, float(traffic["weekend"]), 1.0)
    offset = days - calendar.days
    if "from_day" in traffic:
        factor = np.where(offset >= int(traffic["from_day"]), factor, 0.0)
    if "to_day" in traffic:
        factor = np.where(offset < int(traffic["to_day"]), factor, 0.0)
    return factor


def _by_hour(per_quarter: np.ndarray, calendar: Calendar) -> np.ndarray:
    return np.repeat(per_quarter.ravel(), 6)[: calendar.hours]


def _damped(values: np.ndarray, spread: float) -> np.ndarray:
    """Factors around 1 that keep the order and shape of the values, with a standard deviation of at most `spread`."""
    logs = np.log(values / np.median(values))
    deviation = float(logs.std())
    if deviation > spread:
        logs = logs * (spread / deviation)
    return np.exp(np.clip(logs - logs.mean(), -2.5 * spread, 2.5 * spread))


def _pick(clients: tuple[tuple[str, int], ...], own: np.random.Generator) -> tuple[str, int]:
    return clients[int(own.integers(len(clients)))]


@cache
def _client_trace(rated: tuple[str, int], sized: tuple[str, int]) -> _ClientTrace:
    rates = _rates()[rated]
    kept = [day for day in range(TRACE_DAYS) if day not in SKIPPED_TRACE_DAYS[rated[0]]]
    hourly = rates.reshape(TRACE_DAYS, HOURS_PER_DAY, -1).mean(axis=2)[kept]
    totals = hourly.sum(axis=1, keepdims=True)
    input_size, output_size = _sizes(*sized)
    return _ClientTrace(
        shape=hourly / totals,
        level=_damped(totals[:, 0], LEVEL_SPREAD),
        input_size=_damped(input_size, SIZE_SPREAD)[kept],
        output_size=_damped(output_size, SIZE_SPREAD)[kept],
    )


@cache
def _rates() -> dict[tuple[str, int], np.ndarray]:
    """Requests per second in the ten-minute windows of the 14 days, per client; a window not listed had none."""
    rows = pa_csv.read_csv(DATA / "traffic" / "servegen_rates_10min.csv.gz").to_pandas()
    windows = TRACE_DAYS * HOURS_PER_DAY * 6
    found: dict[tuple[str, int], np.ndarray] = {}
    for (model, client), part in rows.groupby(["model", "client"]):
        rates = np.zeros(windows)
        rates[part["window_start_s"].to_numpy() // 600] = part["requests_per_s"].to_numpy()
        found[(str(model), int(str(client)))] = rates
    return found


def _sizes(model: str, client: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean prompt and output tokens per six hours of the 14 days, (14, 4) each."""
    rows = pa_csv.read_csv(DATA / "traffic" / "servegen_token_stats_6h.csv.gz").to_pandas()
    part = rows[(rows["model"] == model) & (rows["client"] == client)]
    part = part.sort_values("window_start_s")
    prompt, answer = part["input_mean"].to_numpy(), part["output_mean"].to_numpy()
    return prompt.reshape(TRACE_DAYS, 4), answer.reshape(TRACE_DAYS, 4)


@cache
def _cache_wobble() -> np.ndarray:
    """Minute by minute share of prompt blocks an unlimited prefix cache would have served, as factors around 1."""
    seen: set[int] = set()
    served: dict[int, list[int]] = {}
    with gzip.open(DATA / "traffic" / "mooncake_conversation_trace.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            request = json.loads(line)
            hits = sum(block in seen for block in request["hash_ids"])
            seen.update(request["hash_ids"])
            minute = served.setdefault(request["timestamp"] // 60_000, [0, 0])
            minute[0] += min(hits * CACHE_BLOCK_TOKENS, request["input_length"])
            minute[1] += request["input_length"]
    # The first ten minutes only fill the cache.
    shares = np.array([hits / total for minute, (hits, total) in sorted(served.items()) if minute >= 10])
    return _damped(shares, CACHE_SPREAD)
