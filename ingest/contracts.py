"""What a landed stream must look like, and what a source module offers to the pipeline."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from ingest.arrow import Field

if TYPE_CHECKING:
    from ingest.config import SourcesConfig
    from ingest.landing import Landing
    from ingest.run import Run
    from ingest.settings import Settings

WINDOW_FIELDS: tuple[Field, ...] = (
    pa.field("_window_start", pa.timestamp("us", tz="UTC")),
    pa.field("_window_end", pa.timestamp("us", tz="UTC")),
    pa.field("_loaded_at", pa.timestamp("us", tz="UTC")),
    pa.field("_run_id", pa.string()),
)


@dataclass(frozen=True)
class StreamContract:
    """The shape of one stream in landing.

    Attributes:
        source: one of the names of the sources, e.g. ``aws_cur``.
        stream: what it holds, plural, e.g. ``line_items``.
        schema: provider field names and types, without the window columns.
        required: fields without which the load stops; the others are NULL when absent.
        empty_ok: whether a window with no row is a normal answer.
        may_shrink: whether fewer rows than before is normal (an inventory), so that no guard stops it.
        key: fields (`a`, or `a.b` inside a record) that tell rows apart, times by day; where given, a restatement that
            lacks rows of the earlier load is recorded in the stream `_restatements` of the source.
        amount: field with the cost of a row, for the dollars of rows that are gone.
    """

    source: str
    stream: str
    schema: pa.Schema
    required: tuple[str, ...] = ()
    empty_ok: bool = False
    may_shrink: bool = False
    key: tuple[str, ...] = ()
    amount: str | None = None


@dataclass(frozen=True)
class LoadResult:
    """What one load of one window put into landing; `gone` rows of the earlier load are in it no more."""

    source: str
    stream: str
    scope: str
    window_start: datetime
    rows: int
    checksum: str
    changed: bool
    gone: int = 0


def _silent(step: str, done: int, total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True)
class Context:
    """All a source needs: where to connect, what to read, where to put it, which clock."""

    settings: "Settings"
    config: "SourcesConfig"
    landing: "Landing"
    run: "Run"
    progress: Callable[[str, int, int], None] = field(default=_silent)


STATUS_SCHEMA = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("account_id", pa.string()),
        pa.field("watermark", pa.timestamp("us", tz="UTC")),
        pa.field("last_success_at", pa.timestamp("us", tz="UTC")),
        pa.field("message", pa.string()),
    ]
)


def status_contract(source: str) -> StreamContract:
    """Contract of the stream in which each source reports, one row per account."""
    return StreamContract(source, "_status", STATUS_SCHEMA, ("source", "account_id"), may_shrink=True)
