"""The demo's cost rows as Cost Management keeps them, and the true owner of each cent of AI spend.

Amounts are whole units of 1e-8, the eight decimals to which Azure leaves costs unrounded.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa

from emulator.truth import CHARGE_SCHEMA, MONEY, table

DECIMALS = 8
SEEN_AT = time(20, 0)
RESTATED_DAY = -9
RESTATED_AFTER = timedelta(days=3)
ACTUAL, AMORTIZED = "ActualCost", "AmortizedCost"

COST_SCHEMA = pa.schema(
    [
        ("metric", pa.string()),
        ("usage_date", pa.date32()),
        ("subscription_id", pa.string()),
        ("resource_group", pa.string()),
        ("resource_id", pa.string()),
        ("location", pa.string()),
        ("consumed_service", pa.string()),
        ("meter_category", pa.string()),
        ("meter_subcategory", pa.string()),
        ("meter", pa.string()),
        ("unit", pa.string()),
        ("charge_type", pa.string()),
        ("pricing_model", pa.string()),
        ("reservation_id", pa.string()),
        ("publisher_type", pa.string()),
        ("tags", pa.string()),
        ("quantity", pa.decimal128(28, 8)),
        ("cost", pa.decimal128(28, 8)),
        ("visible_from", pa.timestamp("us", tz="UTC")),
        ("visible_to", pa.timestamp("us", tz="UTC")),
    ]
)


@dataclass(frozen=True)
class Sighting:
    """When a row can be read: from `start` until `end`, or for good."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True)
class CostRow:
    """One cost row. `metrics` are the views it appears in; `units` is its cost in 1e-8 of the currency."""

    metrics: tuple[str, ...]
    usage_date: date
    subscription_id: str
    resource_id: str
    meter_category: str
    meter_subcategory: str
    meter: str
    unit: str
    quantity: Decimal
    units: int
    sighting: Sighting
    resource_group: str = ""
    location: str = ""
    consumed_service: str = ""
    charge_type: str = "Usage"
    pricing_model: str = "OnDemand"
    reservation_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Owed:
    """The truth behind a billed amount: whose it is. `units` in 1e-8."""

    charge_date: date
    workload_id: str | None
    team: str | None
    product: str | None
    model: str | None
    token_class: str | None
    units: int
    sighting: Sighting
    stream_id: str | None = None


@dataclass
class Ledger:
    """Everything the bill consists of, gathered part by part."""

    rows: list[CostRow] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    out_of_scope: list[Owed] = field(default_factory=list)

    def bill_elsewhere(self, row: CostRow, workload_id: str | None) -> None:
        """Add a row that is no AI spend."""
        self.rows.append(row)
        self.out_of_scope.append(Owed(row.usage_date, workload_id, None, None, None, "other", row.units, row.sighting))


def first_seen(day: date) -> datetime:
    """When a usage day becomes visible: the next day in the evening."""
    return datetime.combine(day + timedelta(days=1), SEEN_AT, UTC)


def sightings(day: date, as_of_day: date) -> tuple[Sighting, ...]:
    """The versions in which a day's token rows appear: one, or two for the restated day."""
    seen = first_seen(day)
    if (day - as_of_day).days != RESTATED_DAY:
        return (Sighting(seen),)
    corrected = seen + RESTATED_AFTER
    return Sighting(seen, corrected), Sighting(corrected)


def as_money(units: int) -> Decimal:
    """Whole units of 1e-8 as an amount."""
    return Decimal(units).scaleb(-DECIMALS)


def cost_table(rows: Iterable[CostRow]) -> pa.Table:
    """The rows as the local Cost Management reads them, one per view, sorted by what its answers are ordered by."""
    flat = [(metric, row) for row in rows for metric in row.metrics]
    columns = {
        name: [getattr(row, name) for _, row in flat]
        for name in COST_SCHEMA.names
        if name not in ("metric", "tags", "publisher_type", "cost", "visible_from", "visible_to")
    }
    columns["metric"] = [metric for metric, _ in flat]
    columns["tags"] = [json.dumps(dict(row.tags), sort_keys=True) for _, row in flat]
    columns["publisher_type"] = ["Azure"] * len(flat)
    columns["cost"] = [as_money(row.units) for _, row in flat]
    columns["visible_from"] = [row.sighting.start for _, row in flat]
    columns["visible_to"] = [row.sighting.end for _, row in flat]
    return table(COST_SCHEMA, columns).sort_by(
        [("metric", "ascending"), ("usage_date", "ascending"), ("subscription_id", "ascending")]
    )


def truth_table(owed: list[Owed], billing_account_id: str, currency: str) -> pa.Table:
    """The rows of the answer sheet."""
    named = ("charge_date", "workload_id", "team", "product", "model", "token_class", "stream_id")
    columns = {name: [getattr(entry, name) for entry in owed] for name in named}
    columns |= {
        "provider": ["azure"] * len(owed),
        "billing_account_id": [billing_account_id] * len(owed),
        "billing_month": [entry.charge_date.replace(day=1) for entry in owed],
        "billing_currency": [currency] * len(owed),
        "billed_cost": pa.array([as_money(entry.units) for entry in owed], MONEY),
        "visible_from": [entry.sighting.start for entry in owed],
        "visible_to": [entry.sighting.end for entry in owed],
    }
    return table(CHARGE_SCHEMA, columns)
