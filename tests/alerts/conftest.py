"""A published file with spikes of one's choosing, a state store, and a receiver on real sockets."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from alerts.config import AlertsConfig
from emulator import receiver
from emulator.service import Service
from signals.tables import SPIKE_DDL, SPIKE_DRIVER_DDL, SPIKE_DRIVER_SCHEMA, SPIKE_SCHEMA
from state import State, open_state

AS_OF = datetime(2026, 11, 18, 6, 0, tzinfo=UTC)
SPIKE: dict[str, Any] = {
    "spike_id": "aaaa",
    "lane": "billed",
    "started_on": date(2026, 11, 11),
    "detected_on": date(2026, 11, 11),
    "ended_on": None,
    "provider": "aws",
    "team": "support",
    "product": "ticket-triage",
    "sub_account_id": None,
    "model": "claude-sonnet-4-5",
    "metric": "effective_cost_usd",
    "direction": "up",
    "actual": Decimal("5987.25"),
    "expected": Decimal("1537.00"),
    "impact_usd": Decimal("4450.25"),
    "verdict": "efficiency",
}
CHANNELS = {
    "slack": "INFERLEDGER_ALERT_SLACK_URL",
    "webhook": "INFERLEDGER_ALERT_WEBHOOK_URL",
    "email": "INFERLEDGER_ALERT_EMAIL_URL",
}


def config_of(**settings: Any) -> AlertsConfig:
    channels = [{"name": kind, "kind": kind, "url_env": name} for kind, name in CHANNELS.items()]
    return AlertsConfig.model_validate({"channels": channels, **settings})


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., Path]:
    """Write the published file: one row of `fct_spike` per dictionary of differences from SPIKE."""

    def write(*differences: dict[str, Any], as_of: datetime = AS_OF) -> Path:
        published = tmp_path / "inferledger.duckdb"
        published.unlink(missing_ok=True)
        rows = [{**SPIKE, **difference} for difference in differences]
        drivers = [
            {"spike_id": row["spike_id"], "driver": driver, "contribution_usd": usd}
            for row in rows
            for driver, usd in (("efficiency", row["impact_usd"] - 2), ("volume", Decimal(2)), ("price", Decimal(0)))
        ]
        with duckdb.connect(published) as connection:
            for statement in (*SPIKE_DDL, *SPIKE_DRIVER_DDL):
                connection.execute(statement)
            for table, found in (
                ("fct_spike", pa.Table.from_pylist(rows, schema=SPIKE_SCHEMA)),
                ("fct_spike_driver", pa.Table.from_pylist(drivers, schema=SPIKE_DRIVER_SCHEMA)),
            ):
                connection.register("found", found)
                connection.execute(f"insert into {table} select * from found")
            connection.execute("create table source_status (source text, provider text, complete_through date)")
            connection.executemany(
                "insert into source_status values (?, ?, ?)",
                [("aws_cur", "aws", date(2026, 11, 16)), ("aws_bedrock", "aws", date(2026, 11, 17))],
            )
            connection.execute("create table publication (as_of timestamp)")
            connection.execute("insert into publication values (?)", [as_of.replace(tzinfo=None)])
        return published

    return write


@pytest.fixture
def store(tmp_path: Path) -> Iterator[State]:
    """An empty state store."""
    opened = open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Service]:
    """A running receiver; its messages are in `outbox`."""
    running = receiver.start(tmp_path / "outbox")
    yield running
    running.stop()


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    """Where the receiver puts messages."""
    return tmp_path / "outbox"


@pytest.fixture
def config() -> Callable[..., AlertsConfig]:
    """A configuration of one Slack, one webhook and one e-mail channel."""
    return config_of


@pytest.fixture
def as_of() -> datetime:
    """The clock of the tests."""
    return AS_OF
