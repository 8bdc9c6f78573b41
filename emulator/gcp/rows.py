"""Rows of the detailed usage cost export, built block by block: one block is one SKU of one project and label set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from emulator.gcp.catalog import Sku

UTC_TIME = pa.timestamp("us", tz="UTC")
NUMERIC = pa.decimal128(38, 9)
MICROS = 6
OTHER = "other"
_LABELS = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
_TAGS = pa.list_(
    pa.struct([("key", pa.string()), ("value", pa.string()), ("inherited", pa.bool_()), ("namespace", pa.string())])
)
_CREDIT = pa.struct(
    [
        ("name", pa.string()),
        ("amount", pa.float64()),
        ("full_name", pa.string()),
        ("id", pa.string()),
        ("type", pa.string()),
    ]
)
_NAMED = pa.struct([("id", pa.string()), ("description", pa.string())])
_PROJECT = pa.struct(
    [
        ("id", pa.string()),
        ("number", pa.string()),
        ("name", pa.string()),
        ("labels", _LABELS),
        ("ancestry_numbers", pa.string()),
        ("ancestors", pa.list_(pa.struct([("resource_name", pa.string()), ("display_name", pa.string())]))),
    ]
)
_PRICE_NAMES = (
    "effective_price",
    "tier_start_amount",
    "unit",
    "pricing_unit_quantity",
    "list_price",
    "effective_price_default",
    "list_price_consumption_model",
)
_PRICE = pa.struct([(name, pa.string() if name == "unit" else NUMERIC) for name in _PRICE_NAMES])
_USAGE = pa.struct(
    [
        ("amount", pa.float64()),
        ("unit", pa.string()),
        ("amount_in_pricing_units", pa.float64()),
        ("pricing_unit", pa.string()),
    ]
)
_ADJUSTMENT = pa.struct([(name, pa.string()) for name in ("id", "description", "mode", "type")])
EXPORT_SCHEMA = pa.schema(
    [
        ("billing_account_id", pa.string()),
        ("service", _NAMED),
        ("sku", _NAMED),
        ("usage_start_time", UTC_TIME),
        ("usage_end_time", UTC_TIME),
        ("project", _PROJECT),
        ("labels", _LABELS),
        ("system_labels", _LABELS),
        ("location", pa.struct([(name, pa.string()) for name in ("location", "country", "region", "zone")])),
        ("resource", pa.struct([("name", pa.string()), ("global_name", pa.string())])),
        ("tags", _TAGS),
        ("price", _PRICE),
        ("subscription", pa.struct([("instance_id", pa.string())])),
        ("transaction_type", pa.string()),
        ("seller_name", pa.string()),
        ("export_time", UTC_TIME),
        ("cost", pa.float64()),
        ("currency", pa.string()),
        ("currency_conversion_rate", pa.float64()),
        ("usage", _USAGE),
        ("credits", pa.list_(_CREDIT)),
        ("invoice", pa.struct([("month", pa.string()), ("publisher_type", pa.string())])),
        ("cost_type", pa.string()),
        ("adjustment_info", _ADJUSTMENT),
        ("cost_at_list", pa.float64()),
        (
            "consumption_model",
            pa.struct([(name, pa.string()) for name in ("id", "description", "applied_subscription_instance_id")]),
        ),
        ("cost_at_effective_price_default", pa.float64()),
        ("cost_at_list_consumption_model", pa.float64()),
        ("_PARTITIONTIME", UTC_TIME),
    ]
)


@dataclass(frozen=True)
class Credit:
    """A credit on every row of a block; `micros` are whole millionths of the billing currency, negative."""

    name: str
    type: str
    micros: np.ndarray


@dataclass(frozen=True)
class Owner:
    """To whom a block really belongs; the bill does not say it."""

    stream_id: str | None = None
    team: str | None = None
    product: str | None = None
    model: str | None = None


@dataclass(frozen=True)
class Block:
    """Rows that differ only along time. Money is in whole millionths of the billing currency."""

    sku: Sku
    project: str | None
    region: str | None
    unit: str
    start: np.ndarray
    end: np.ndarray
    export: np.ndarray
    invoice: np.ndarray
    rate: np.ndarray
    amount: np.ndarray
    cost: np.ndarray
    list_cost: np.ndarray
    labels: Mapping[str, str] = field(default_factory=dict)
    credits: tuple[Credit, ...] = ()
    cost_type: str = "regular"
    adjustment: Mapping[str, str] | None = None
    subscription: str | None = None
    publisher: str = "GOOGLE"
    units_per_price: int = 1
    token_class: str = OTHER
    in_scope: bool = True
    owner: Owner = field(default_factory=Owner)


def export_table(blocks: Sequence[Block], organisation_gcp: Mapping[str, Any]) -> pa.Table:
    """All blocks as rows of the export, in order of export time."""
    parts = [_rows(block, organisation_gcp) for block in blocks if len(block.start)]
    joined = pa.concat_tables(parts) if parts else EXPORT_SCHEMA.empty_table()
    return joined.sort_by([("export_time", "ascending")]).combine_chunks()


def _rows(block: Block, organisation: Mapping[str, Any]) -> pa.Table:
    count = len(block.start)
    currency = organisation["currency"]
    constant: dict[str, Any] = {
        "billing_account_id": organisation["billing_account_id"],
        "service": {"id": block.sku.service_id, "description": block.sku.service},
        "sku": {"id": block.sku.id, "description": block.sku.description},
        "project": _project(block.project, organisation),
        "labels": [{"key": key, "value": value} for key, value in sorted(block.labels.items())],
        "system_labels": [],
        "location": _location(block.region),
        "resource": {"name": None, "global_name": None},
        "tags": [],
        "subscription": {"instance_id": block.subscription},
        "transaction_type": "GOOGLE" if block.cost_type == "regular" else None,
        "seller_name": "Google Cloud EMEA Limited",
        "currency": currency,
        "cost_type": block.cost_type,
        "adjustment_info": dict(block.adjustment or {"id": None, "description": None, "mode": None, "type": None}),
        "consumption_model": {"id": None, "description": None, "applied_subscription_instance_id": block.subscription},
    }
    varying = _varying(block)
    columns = [
        varying[name] if name in varying else _repeated(constant[name], kind, count)
        for name, kind in zip(EXPORT_SCHEMA.names, EXPORT_SCHEMA.types, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=EXPORT_SCHEMA)


def _varying(block: Block) -> dict[str, pa.Array]:
    count = len(block.start)
    cost, list_cost = _money(block.cost), _money(block.list_cost)
    month = pa.array(block.invoice.astype(str).tolist(), pa.string())
    day = block.export.astype("datetime64[D]").astype("datetime64[us]")
    return {
        "usage_start_time": _instants(block.start),
        "usage_end_time": _instants(block.end),
        "export_time": _instants(block.export),
        "_PARTITIONTIME": _instants(day),
        "cost": cost,
        "cost_at_list": list_cost,
        "cost_at_effective_price_default": cost,
        "cost_at_list_consumption_model": list_cost,
        "currency_conversion_rate": pa.array(block.rate.astype(float)),
        "usage": _usage(block),
        "price": _price(block),
        "credits": _credits(block),
        "invoice": pa.StructArray.from_arrays(
            [month, _repeated(block.publisher, pa.string(), count)], ["month", "publisher_type"]
        ),
    }


def _usage(block: Block) -> pa.Array:
    count = len(block.start)
    priced = block.amount / block.units_per_price
    unit = _repeated(block.unit, pa.string(), count)
    return pa.StructArray.from_arrays(
        [pa.array(block.amount.astype(float)), unit, pa.array(priced.astype(float)), unit],
        [item.name for item in _USAGE],
    )


def _price(block: Block) -> pa.Array:
    count = len(block.start)
    safe = np.where(block.amount == 0, 1, block.amount)
    paid = [round(value, 9) for value in (block.cost / 10**MICROS / safe).tolist()]
    listed = [round(value, 9) for value in (block.list_cost / 10**MICROS / safe).tolist()]
    numeric = {
        "effective_price": pa.array(paid).cast(NUMERIC, safe=False),
        "list_price": pa.array(listed).cast(NUMERIC, safe=False),
        "effective_price_default": pa.array(paid).cast(NUMERIC, safe=False),
        "list_price_consumption_model": pa.array(listed).cast(NUMERIC, safe=False),
        "tier_start_amount": _repeated(0, NUMERIC, count),
        "pricing_unit_quantity": _repeated(block.units_per_price, NUMERIC, count),
        "unit": _repeated(block.unit, pa.string(), count),
    }
    return pa.StructArray.from_arrays([numeric[name] for name in _PRICE_NAMES], list(_PRICE_NAMES))


def _credits(block: Block) -> pa.Array:
    count = len(block.start)
    kept = [(credit, np.flatnonzero(credit.micros)) for credit in block.credits]
    rows = np.concatenate([where for _, where in kept]) if kept else np.empty(0, dtype=np.int64)
    order = np.argsort(rows, kind="stable")
    values = [
        {
            "name": credit.name,
            "amount": int(credit.micros[row]) / 10**MICROS,
            "full_name": credit.name,
            "id": credit.name.lower().replace(" ", "-"),
            "type": credit.type,
        }
        for credit, where in kept
        for row in where
    ]
    offsets = np.searchsorted(rows[order], np.arange(count + 1), side="left")
    items = pa.array([values[index] for index in order], _CREDIT)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), items)


def _project(name: str | None, organisation: Mapping[str, Any]) -> dict[str, Any] | None:
    if name is None:
        return None
    known = organisation["projects"].get(name, {"number": "900000000099", "labels": {}})
    return {
        "id": name,
        "number": known["number"],
        "name": name,
        "labels": [{"key": key, "value": value} for key, value in sorted(known["labels"].items())],
        "ancestry_numbers": "/700000000001/",
        "ancestors": [
            {"resource_name": f"projects/{known['number']}", "display_name": name},
            {"resource_name": "organizations/700000000001", "display_name": "acme.example"},
        ],
    }


def _location(region: str | None) -> dict[str, str | None]:
    country = {"us": "US", "eu": "NL"}.get((region or "")[:2])
    return {"location": region, "country": country, "region": region, "zone": None}


def _instants(values: np.ndarray) -> pa.Array:
    return pa.array(values.astype("datetime64[us]")).cast(UTC_TIME)


def _money(micros: np.ndarray) -> pa.Array:
    return pa.array(micros / 10.0**MICROS)


def _repeated(value: Any, kind: pa.DataType, count: int) -> pa.Array:
    scalar: Any = pa.scalar(value, kind)
    return pa.repeat(scalar, count)
