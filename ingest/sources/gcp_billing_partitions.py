"""Loads the changed partitions of one export table, each replaced whole.

A partition's fingerprint is its newest export time and its row count. It reads sixteen bytes a row, so a daily run asks
only for the partitions of the last LOOKBACK, and once in FULL_EVERY for all since the backfill began: Google sets no
limit on how old a partition may be that still grows. Rows without partition are in BigQuery's streaming buffer: they
are counted, told, and land with the partition that BigQuery gives them.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute

from ingest.contracts import Context, LoadResult
from ingest.errors import EmptyAnswer, TransientError
from ingest.gcp_query import dollars
from ingest.run import Window, day_start
from ingest.sources.gcp_billing_rows import (
    PARTITION,
    SOURCE,
    UTC_TIME,
    ExportKind,
    conformed,
    marked,
    selected_columns,
    unknown_columns,
)
from ingest.sources.gcp_billing_tables import ExportTable

logger = logging.getLogger(__name__)
pc: Any = pyarrow.compute
DAY = timedelta(days=1)
LOOKBACK = timedelta(days=60)
FULL_EVERY = timedelta(days=7)
# neighbouring small partitions are read together: each query is billed for ten mebibytes at least
ROWS_PER_QUERY = 100_000
READ_ATTEMPTS = 3
_NEVER = "1970-01-01T00:00:00+00:00"


@dataclass(frozen=True)
class Fingerprint:
    """What tells whether a partition changed: its newest export and its row count; and how far its usage reaches."""

    partition: datetime
    newest_export: datetime
    rows: int
    usage_until: datetime

    @property
    def key(self) -> str:
        """Its name in the remembered state."""
        return self.partition.isoformat()

    @property
    def window(self) -> Window:
        """Its day."""
        return Window(self.partition, self.partition + DAY)

    def state(self) -> list[Any]:
        """As it is remembered between runs."""
        return [self.newest_export.isoformat(), self.rows, self.usage_until.isoformat()]


class _ChangedError(Exception):
    """The partitions that are being read are not what their fingerprint said."""


class PartitionLoader:
    """Loads one table.

    Raises:
        SchemaChanged: a column that numbers rest on is missing.
    """

    def __init__(self, context: Context, table: ExportTable, kind: ExportKind) -> None:
        self._context, self._table, self._kind, self._reader = context, table, kind, table.reader
        self._columns = selected_columns(kind, table.name, table.paths)
        self.notes: list[str] = []
        if unknown := unknown_columns(kind, table.paths):
            logger.warning("columns are not read", extra={"table": table.name, "columns": unknown})
            self.notes.append(f"Google added columns that are not read: {', '.join(unknown)}.")

    def load(self, window: Window | None) -> tuple[list[LoadResult], datetime]:
        """Load what changed, or all of `window`; returns the loads and the end of the newest usage seen.

        Raises:
            EmptyAnswer: there is no row in any partition.
            TransientError: partitions kept growing while they were read.
        """
        landing, scope, as_of = self._context.landing, self._table.name, self._context.run.as_of
        state = landing.read_state(SOURCE, scope)
        looked_at = str(state.get("full_at", _NEVER))
        known: dict[str, Any] = state.get("partitions", {} if "full_at" in state else state)
        is_full = as_of - datetime.fromisoformat(looked_at) >= FULL_EVERY
        start = window.start if window else self._start(known, is_full=is_full)
        found = self.fingerprints(start, window.end if window else None)
        landed = set(landing.windows(self._kind.contract, scope))
        changed = [
            item
            for item in found
            if window or known.get(item.key) != item.state() or f"{item.partition:%Y-%m-%d}" not in landed
        ]
        self._announce(changed)
        results: list[LoadResult] = []
        for chunk in _chunks(changed):
            loads, seen = self._load_chunk(chunk)
            results += loads
            known |= {item.key: item.state() for item in seen}
            landing.write_state(SOURCE, scope, {"partitions": known, "full_at": looked_at})
            self._context.progress("Google billing partitions", len(results), len(changed))
        if is_full and not window:
            # only now: a full look counts once all that it found has landed
            landing.write_state(SOURCE, scope, {"partitions": known, "full_at": as_of.isoformat()})
        return results, max(datetime.fromisoformat(item[2]) for item in known.values())

    def _start(self, known: dict[str, Any], *, is_full: bool) -> datetime:
        """The first partition to look at: of the backfill's whole span, or of the last weeks only."""
        as_of = self._context.run.as_of
        first = as_of - timedelta(days=self._context.config.backfill_days)
        earliest = min((datetime.fromisoformat(day) for day in known), default=first)
        begin = min(first, earliest)
        if not is_full:
            begin = max(begin, as_of - LOOKBACK)
        return day_start(begin.astimezone(UTC).date())

    def fingerprints(self, start: datetime, end: datetime | None) -> list[Fingerprint]:
        """The partitions from `start` on, oldest first.

        Raises:
            EmptyAnswer: there is none.
        """
        rows = self._reader.rows(*self.fingerprint_query(start, end))
        waiting = sum(row["n"] for row in rows if row["p"] is None)
        note = f"{waiting} rows of {self._table.name} have no partition yet; they come with the next run."
        self.notes += [note] if waiting and note not in self.notes else []
        found = [
            Fingerprint(row["p"], row["newest_export"], row["n"], row["usage_until"])
            for row in rows
            if row["p"] is not None
        ]
        if not found:
            raise EmptyAnswer(
                f"{SOURCE}: {self._table.place} has no row in any partition since {start:%Y-%m-%d}.",
                "A new export takes some hours to fill; check that it is on and that the days are right.",
            )
        return found

    def fingerprint_query(self, start: datetime, end: datetime | None) -> tuple[str, dict[str, datetime]]:
        """What asks for the fingerprints, and its times."""
        kind = self._kind
        until = " AND _PARTITIONTIME < @until" if end else ""
        sql = (
            f"SELECT _PARTITIONTIME AS p, MAX({kind.export_time}) AS newest_export, COUNT(*) AS n,"
            f" MAX({kind.usage_end}) AS usage_until FROM `{self._table.place}`"
            f" WHERE (_PARTITIONTIME >= @since{until}) OR _PARTITIONTIME IS NULL GROUP BY p ORDER BY p"
        )
        return sql, {"since": start, **({"until": end} if end else {})}

    def estimate(self, found: list[Fingerprint]) -> int:
        """Bytes that reading these partitions takes, by a dry run."""
        return self._reader.estimate(*self._select(found[0].partition, found[-1].partition + DAY))

    def _announce(self, changed: list[Fingerprint]) -> None:
        """Say what a large read will cost before it begins."""
        if sum(item.rows for item in changed) <= ROWS_PER_QUERY:
            return
        size = self.estimate(changed)
        told = f"{size / (1 << 30):.2f} GiB, about {dollars(size)}"
        logger.info("reading", extra={"table": self._table.name, "partitions": len(changed), "estimate": told})
        self._context.progress(f"Google billing reads {told}", 0, len(changed))

    def _load_chunk(self, chunk: list[Fingerprint]) -> tuple[list[LoadResult], list[Fingerprint]]:
        """Read neighbouring partitions and land each; what grew meanwhile is read again.

        Raises:
            TransientError: the partitions kept growing.
        """
        for _ in range(READ_ATTEMPTS):
            try:
                loads = [self._stream(chunk[0])] if len(chunk) == 1 else self._together(chunk)
            except _ChangedError:
                chunk = self.fingerprints(chunk[0].partition, chunk[-1].partition + DAY)
            else:
                return loads, chunk
        raise TransientError(
            f"{SOURCE}: partitions of {self._table.name} changed while read ({chunk[0].partition:%Y-%m-%d} on)."
        )

    def _stream(self, item: Fingerprint) -> LoadResult:
        """Land one partition as its rows arrive."""

        def counted() -> Iterator[pa.Table]:
            rows = 0
            for part in self._read([item]):
                rows += part.num_rows
                yield part
            # before landing takes it: a partition that is not whole never replaces another
            if rows != item.rows:
                raise _ChangedError

        return self._write(item, counted())

    def _together(self, chunk: list[Fingerprint]) -> list[LoadResult]:
        """Land some small partitions of one query."""
        rows = pa.concat_tables(self._read(chunk))
        parts = [rows.filter(pc.equal(rows[PARTITION], pa.scalar(item.partition, UTC_TIME))) for item in chunk]
        if [part.num_rows for part in parts] != [item.rows for item in chunk]:
            raise _ChangedError
        return [self._write(item, iter([part])) for item, part in zip(chunk, parts, strict=True)]

    def _write(self, item: Fingerprint, batches: Iterator[pa.Table]) -> LoadResult:
        write = self._context.landing.write
        return write(self._kind.contract, scope=self._table.name, window=item.window, batches=batches)

    def _select(self, start: datetime, end: datetime) -> tuple[str, dict[str, datetime]]:
        columns = ", ".join(f"`{name}`" for name in self._columns)
        sql = (
            f"SELECT {columns}, _PARTITIONTIME AS {PARTITION} FROM `{self._table.place}`"
            " WHERE _PARTITIONTIME >= @since AND _PARTITIONTIME < @until"
        )
        return sql, {"since": start, "until": end}

    def _read(self, chunk: list[Fingerprint]) -> Iterator[pa.Table]:
        sql, times = self._select(chunk[0].partition, chunk[-1].partition + DAY)
        schema = self._kind.contract.schema
        for part in self._reader.tables_of_rows(sql, times, sum(item.rows for item in chunk)):
            yield marked(conformed(part, schema), self._kind.name, "table")


def _chunks(changed: list[Fingerprint]) -> Iterator[list[Fingerprint]]:
    """Runs of neighbouring partitions of at most ROWS_PER_QUERY rows together, a larger partition alone."""
    chunk: list[Fingerprint] = []
    for item in changed:
        is_next = bool(chunk) and item.partition == chunk[-1].partition + DAY
        fits = sum(part.rows for part in chunk) + item.rows <= ROWS_PER_QUERY
        if chunk and not (is_next and fits):
            yield chunk
            chunk = []
        chunk.append(item)
    if chunk:
        yield chunk
