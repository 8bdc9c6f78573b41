"""The demo's world: one organisation, one horizon of days, one seed, and the hourly usage that all bills come from."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from emulator.incidents import Incident, Scene, incident, plant
from emulator.organisation import Organisation, Stream, load_organisation
from emulator.traffic import METRICS, Calendar, simulate

__all__ = ["DEFAULT_AS_OF", "DEFAULT_DAYS", "DEFAULT_SEED", "Organisation", "Stream", "World", "make_world"]

DEFAULT_AS_OF = datetime(2026, 11, 18, 6, 0, tzinfo=UTC)
DEFAULT_DAYS = 90
DEFAULT_SEED = 7
LEAST_DAYS = 5
USAGE_SCHEMA = pa.schema(
    [
        ("stream_id", pa.string()),
        ("hour_start", pa.timestamp("us", tz="UTC")),
        *((name, pa.int64()) for name in METRICS),
    ]
)


@dataclass(frozen=True)
class World:
    """Everything the local clouds derive their bills and metrics from.

    `usage` has one row per stream and hour with requests, sorted by stream then hour. `request_count` counts the
    answered requests; `throttled_count` and `error_count` come on top of it. `input_tokens` are uncached prompt tokens;
    cache writes that live five minutes and one hour stand apart. Incidents are in it already, except `price_change` and
    `late_data`.
    """

    home: Path
    organisation: Organisation
    as_of: datetime
    days: int
    seed: int
    usage: pa.Table = field(repr=False)
    incidents: tuple[Incident, ...] = ()

    def folder(self, cloud: str) -> Path:
        """Where one cloud keeps what it serves; made when it is not there."""
        path = self.home / "emulator" / cloud
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def truth(self) -> Path:
        """The folder of the answer sheet."""
        return self.home / "truth"

    def day(self, offset: int) -> date:
        """The date so many days after the as-of date (before it when negative)."""
        return self.as_of.date() + timedelta(days=offset)

    def rng(self, name: str) -> np.random.Generator:
        """A random generator that gives the same numbers for the same seed and name, whatever else was drawn."""
        return _rng(self.seed, name)

    def incident(self, kind: str) -> Incident | None:
        """The planted incident of a kind, or None where this horizon is too short for it."""
        return incident(kind, self.incidents)


def make_world(
    home: Path, *, as_of: datetime = DEFAULT_AS_OF, days: int = DEFAULT_DAYS, seed: int = DEFAULT_SEED
) -> World:
    """Simulate usage for `days` full days before `as_of` (aware, on the hour) and for the hours of its day.

    Raises ValueError for fewer than five days or an as-of time that is not a full hour in UTC.
    """
    if days < LEAST_DAYS:
        raise ValueError(f"a world has at least {LEAST_DAYS} days, not {days}")
    if as_of.tzinfo is None or as_of.astimezone(UTC).replace(minute=0, second=0, microsecond=0) != as_of:
        raise ValueError(f"the as-of time must be a full hour with a time zone, not {as_of.isoformat()}")
    moment = as_of.astimezone(UTC)
    organisation = load_organisation()
    calendar = Calendar(moment, days)

    def rng(name: str) -> np.random.Generator:
        return _rng(seed, name)

    usage = _usage_by_stream(organisation, calendar, rng)
    incidents = plant(Scene(organisation, calendar, usage, rng))
    return World(home, organisation, moment, days, seed, _usage_table(usage, calendar), incidents)


def _rng(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _usage_by_stream(
    organisation: Organisation, calendar: Calendar, rng: Callable[[str], np.random.Generator]
) -> dict[str, np.ndarray]:
    return {stream.id: simulate(stream, calendar, rng(f"traffic:{stream.id}")) for stream in organisation.streams}


def _usage_table(usage: dict[str, np.ndarray], calendar: Calendar) -> pa.Table:
    first = np.datetime64(calendar.first_day.isoformat(), "us")
    hours = first + np.arange(calendar.hours) * np.timedelta64(3_600_000_000, "us")
    parts = []
    for stream_id in sorted(usage):
        rows = usage[stream_id]
        busy = rows.any(axis=1)
        columns = [pa.array([stream_id] * int(busy.sum())), pa.array(hours[busy]).cast(pa.timestamp("us", tz="UTC"))]
        columns += [pa.array(np.ascontiguousarray(rows[busy, n])) for n in range(len(METRICS))]
        parts.append(pa.table(columns, schema=USAGE_SCHEMA))
    return pa.concat_tables(parts).combine_chunks()
