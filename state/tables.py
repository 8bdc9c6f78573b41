"""Tables of the state store: what must outlive a run."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData()


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC moment, stored without its zone because SQLite has none."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone; the state store keeps aware moments only")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC)


class ExactDecimal(TypeDecorator[Decimal]):
    """Money as text: SQLite has no decimal type and would keep a double."""

    impl = String(64)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        return None if value is None else Decimal(value)


runs = Table(
    "runs",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(64), nullable=False, unique=True),
    Column("as_of", UtcDateTime, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("message", Text),
)

run_steps = Table(
    "run_steps",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(64), ForeignKey("runs.run_id"), nullable=False),
    Column("step", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("message", Text),
    UniqueConstraint("run_id", "step"),
)

incidents = Table(
    "incidents",
    metadata,
    Column("spike_id", String(64), primary_key=True),
    Column("lane", String(16), nullable=False),
    Column("provider", String(16), nullable=False),
    Column("team", String(128), nullable=False),
    Column("product", String(128)),
    Column("sub_account_id", String(256)),
    Column("model", String(128)),
    Column("direction", String(8), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("started_on", Date, nullable=False),
    Column("ended_on", Date),
    Column("impact_usd", ExactDecimal, nullable=False),
    Column("first_seen_as_of", UtcDateTime, nullable=False),
    Column("last_seen_as_of", UtcDateTime, nullable=False),
    Column("same_as", String(64)),
    Index("incidents_by_series", "provider", "team", "direction"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("spike_id", String(64), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("as_of", UtcDateTime, nullable=False),
    Column("message", Text),
    UniqueConstraint("spike_id", "channel"),
)

# the latest word on a month has the highest revision; earlier ones stay
closed_months = Table(
    "closed_months",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("month", Date, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("closed_as_of", UtcDateTime, nullable=False),
    Column("closed_by", String(128), nullable=False),
    Column("manifest_hash", String(64), nullable=False),
    Column("reason", Text),
    UniqueConstraint("month", "revision"),
)
