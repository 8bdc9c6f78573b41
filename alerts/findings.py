"""Reads what the published file found and how complete it is."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from alerts.errors import AlertError

BILL_SOURCES = ("aws_cur", "gcp_billing", "azure_cost")
METER_SOURCES = ("aws_bedrock", "gcp_vertex", "azure_openai")

_SPIKES = """
select
    spike_id, lane, started_on, detected_on, ended_on, provider, team, product, sub_account_id, model, metric,
    direction, actual, expected, impact_usd, verdict
from fct_spike
order by abs(impact_usd) desc, spike_id
"""

_DRIVERS = "select spike_id, driver, contribution_usd from fct_spike_driver where contribution_usd <> 0"

_COMPLETE = """
select
    provider,
    case when count(*) = count(complete_through) then min(complete_through) end as complete_through
from source_status
where list_contains(?, source)
group by provider
"""


@dataclass(frozen=True)
class Spike:
    """A row of `fct_spike`, with the USD by driver that explain its impact."""

    spike_id: str
    lane: str
    started_on: date
    detected_on: date
    ended_on: date | None
    provider: str
    team: str
    product: str | None
    sub_account_id: str | None
    model: str | None
    metric: str
    direction: str
    actual: Decimal
    expected: Decimal
    impact_usd: Decimal
    verdict: str
    drivers: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """What the published file says: its spikes, largest first, and the last complete day by lane and provider."""

    as_of: datetime
    spikes: tuple[Spike, ...]
    complete_through: dict[tuple[str, str], date | None]


def read_published(published: Path, as_of: datetime) -> Published:
    """Read the published file. `as_of` stands in when the file does not say its own.

    Raises:
        AlertError: the file is missing, does not open, or holds no spikes table.
    """
    if not published.exists():
        raise AlertError(f"There is no published file at {published}.", "Run `inferledger run` first.")
    try:
        with duckdb.connect(published, read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            spikes = _spikes(connection)
            complete = {
                (lane, provider): day
                for lane, sources in (("billed", BILL_SOURCES), ("estimate", METER_SOURCES))
                for provider, day in connection.execute(_COMPLETE, [list(sources)]).fetchall()
            }
            own = connection.execute("select max(as_of) from publication").fetchone()
    except duckdb.Error as error:
        raise AlertError(
            f"The published file {published} cannot be read: {str(error).splitlines()[0]}",
            "Run `inferledger run` to publish anew.",
        ) from error
    return Published(own[0].replace(tzinfo=as_of.tzinfo) if own and own[0] else as_of, spikes, complete)


def _spikes(connection: duckdb.DuckDBPyConnection) -> tuple[Spike, ...]:
    rows = connection.execute(_SPIKES).fetchall()
    drivers: dict[str, dict[str, Decimal]] = {}
    for spike_id, driver, usd in connection.execute(_DRIVERS).fetchall():
        drivers.setdefault(spike_id, {})[driver] = usd
    return tuple(_spike(row, drivers) for row in rows)


def _spike(row: tuple[Any, ...], drivers: dict[str, dict[str, Decimal]]) -> Spike:
    return Spike(*row, drivers=drivers.get(row[0], {}))
