"""What the clouds hand to the central models, as schemas and rows that a test fills only where it matters."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

MONEY = pa.decimal128(38, 12)
_TEXT, _DAY, _COUNT = pa.string(), pa.date32(), pa.int64()


def _schema(**fields: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in fields.items()])


_NATIVE = {
    "native_team": _TEXT,
    "native_product": _TEXT,
    "native_environment": _TEXT,
    "native_method": _TEXT,
    "carried_tags": _TEXT,
}
CHARGES = _schema(
    charge_date=_DAY,
    billing_month=_DAY,
    provider=_TEXT,
    billing_account_id=_TEXT,
    sub_account_id=_TEXT,
    region_id=_TEXT,
    service_name=_TEXT,
    service_id=_TEXT,
    sku=_TEXT,
    product_family=_TEXT,
    resource_id=_TEXT,
    workload_id=_TEXT,
    **_NATIVE,
    native_evidence=_TEXT,
    provider_model_name=_TEXT,
    model=_TEXT,
    token_class=_TEXT,
    region_class=_TEXT,
    service_tier=_TEXT,
    context_band=_TEXT,
    pricing_category=_TEXT,
    charge_category=_TEXT,
    cost_status=_TEXT,
    billing_currency=_TEXT,
    usd_per_currency=pa.decimal128(18, 12),
    billed_cost=MONEY,
    effective_cost=MONEY,
    list_cost=MONEY,
    consumed_tokens=_COUNT,
    invoice_id=_TEXT,
    sku_id=_TEXT,
    charge_class=_TEXT,
    pricing_quantity=MONEY,
    pricing_unit=_TEXT,
    sub_account_name=_TEXT,
    commitment_id=_TEXT,
    tags=_TEXT,
    principal=_TEXT,
)
USAGE = _schema(
    usage_date=_DAY,
    provider=_TEXT,
    billing_account_id=_TEXT,
    sub_account_id=_TEXT,
    region_id=_TEXT,
    region_class=_TEXT,
    workload_id=_TEXT,
    provider_model_name=_TEXT,
    model=_TEXT,
    **_NATIVE,
    input_tokens=_COUNT,
    output_tokens=_COUNT,
    cache_read_tokens=_COUNT,
    cache_write_tokens=_COUNT,
    request_count=_COUNT,
    throttled_count=_COUNT,
    error_count=_COUNT,
    input_is_total=pa.bool_(),
)
CAPACITY = _schema(
    capacity_id=_TEXT,
    provider=_TEXT,
    billing_account_id=_TEXT,
    sub_account_id=_TEXT,
    workload_id=_TEXT,
    region_id=_TEXT,
    hour_start=pa.timestamp("us"),
    unit_kind=_TEXT,
    units=pa.decimal128(18, 6),
    model=_TEXT,
    price_scope=_TEXT,
    utilization_ratio=pa.decimal128(18, 12),
    capacity_cost_usd=MONEY,
    input_tokens=_COUNT,
    cached_tokens=_COUNT,
    output_tokens=_COUNT,
    spill_input_tokens=_COUNT,
    spill_cached_tokens=_COUNT,
    spill_output_tokens=_COUNT,
)
TOTALS = _schema(
    provider=_TEXT,
    billing_account_id=_TEXT,
    billing_month=_DAY,
    billing_currency=_TEXT,
    landed_cost=MONEY,
    provider_cost=MONEY,
    invoice_cost=MONEY,
)
STATUS = _schema(
    source=_TEXT,
    provider=_TEXT,
    account_id=_TEXT,
    watermark=pa.timestamp("us"),
    complete_through=_DAY,
    rows=_COUNT,
    message=_TEXT,
)
LOGGED = _schema(
    source=_TEXT,
    provider=_TEXT,
    billing_account_id=_TEXT,
    sub_account_id=_TEXT,
    region_id=_TEXT,
    workload_id=_TEXT,
    hour_start=pa.timestamp("us"),
    provider_model_name=_TEXT,
    model=_TEXT,
    key_id=_TEXT,
    principal=_TEXT,
    native_team=_TEXT,
    native_product=_TEXT,
    native_environment=_TEXT,
    input_tokens=_COUNT,
    cache_read_tokens=_COUNT,
    cache_write_tokens=_COUNT,
    output_tokens=_COUNT,
    input_is_total=pa.bool_(),
    request_count=_COUNT,
    error_count=_COUNT,
    logged_cost_usd=MONEY,
)
METER_DETAILS = _schema(
    project_id=_TEXT,
    region_id=_TEXT,
    provider_model_name=_TEXT,
    usage_date=_DAY,
    token_class=_TEXT,
    dedicated_tokens=_COUNT,
    early_tokens=_COUNT,
)
HOURS = _schema(
    hour_start=pa.timestamp("us"),
    provider=_TEXT,
    sub_account_id=_TEXT,
    workload_id=_TEXT,
    model=_TEXT,
    input_tokens=_COUNT,
    cache_read_tokens=_COUNT,
    cache_write_tokens=_COUNT,
    output_tokens=_COUNT,
)
SHARES = _schema(
    provider=_TEXT,
    sub_account_id=_TEXT,
    workload_id=_TEXT,
    model=_TEXT,
    charge_date=_DAY,
    source=_TEXT,
    token_kind=_TEXT,
    method=_TEXT,
    team=_TEXT,
    product=_TEXT,
    environment=_TEXT,
    weight=_COUNT,
)
INTERFACES = {
    "charges": CHARGES,
    "usage_daily": USAGE,
    "capacity_hourly": CAPACITY,
    "landed_totals": TOTALS,
    "source_status": STATUS,
    "logged_usage": LOGGED,
    "meter_details": METER_DETAILS,
    "workload_hours": HOURS,
    "reservation_shares": SHARES,
}
_BILLED = ("charges", "usage_daily", "landed_totals", "source_status")
# which interfaces each folder of intermediate models hands over
FOLDERS: dict[str, tuple[str, ...]] = {
    "aws": (*_BILLED, "capacity_hourly", "logged_usage", "workload_hours"),
    "gcp": (*_BILLED, "capacity_hourly", "logged_usage", "workload_hours", "meter_details"),
    "azure": (*_BILLED, "capacity_hourly", "logged_usage", "workload_hours", "reservation_shares"),
    "anthropic": _BILLED,
    "openai": _BILLED,
    "gateway": ("source_status", "logged_usage"),
}


def charge(account: str, **values: Any) -> dict[str, Any]:
    """A billed row of an Azure subscription: one dollar of input tokens on 2026-11-10 unless told."""
    row: dict[str, Any] = {
        "charge_date": date(2026, 11, 10),
        "billing_month": date(2026, 11, 1),
        "provider": "azure",
        "billing_account_id": "8611537",
        "sub_account_id": account,
        "region_id": "eastus2",
        "service_name": "Cognitive Services",
        "sku": "gpt 4o Inp glbl",
        "product_family": "Azure OpenAI",
        "model": "gpt-4o",
        "token_class": "input",
        "region_class": "global",
        "service_tier": "standard",
        "context_band": "default",
        "pricing_category": "on_demand",
        "charge_category": "Usage",
        "cost_status": "provisional",
        "billing_currency": "USD",
        "usd_per_currency": Decimal(1),
        "billed_cost": Decimal(1),
        "effective_cost": Decimal(1),
        "list_cost": Decimal(1),
    }
    return row | values


def usage(workload: str, **values: Any) -> dict[str, Any]:
    """A metered row of an Azure deployment on 2026-11-10, no token of any class unless told."""
    row: dict[str, Any] = {
        "usage_date": date(2026, 11, 10),
        "provider": "azure",
        "billing_account_id": "8611537",
        "sub_account_id": "sub-usage",
        "region_id": "eastus2",
        "region_class": "global",
        "workload_id": workload,
        "model": "gpt-4o",
        "input_tokens": 0,
        "output_tokens": 0,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "input_is_total": False,
    }
    return row | values


def capacity_hour(capacity: str, hour: datetime, **values: Any) -> dict[str, Any]:
    """An hour of ten provisioned units at ten dollars, idle and without spill unless told."""
    row: dict[str, Any] = {
        "capacity_id": capacity,
        "provider": "azure",
        "billing_account_id": "8611537",
        "sub_account_id": "sub-usage",
        "workload_id": capacity,
        "region_id": "eastus2",
        "hour_start": hour,
        "unit_kind": "ptu",
        "units": Decimal(10),
        "model": "gpt-4o",
        "price_scope": "global",
        "utilization_ratio": Decimal(0),
        "capacity_cost_usd": Decimal(10),
        "input_tokens": 0,
        "cached_tokens": 0,
        "output_tokens": 0,
        "spill_input_tokens": 0,
        "spill_cached_tokens": 0,
        "spill_output_tokens": 0,
    }
    return row | values


def logged(caller: str, **values: Any) -> dict[str, Any]:
    """Two requests that LiteLLM logged in one hour of 2026-11-10 for a deployment of Azure."""
    row: dict[str, Any] = {
        "source": "litellm",
        "provider": "azure",
        "billing_account_id": "8611537",
        "sub_account_id": "sub-usage",
        "region_id": "eastus2",
        "workload_id": "shared/chat",
        "hour_start": datetime(2026, 11, 10, 9),  # noqa: DTZ001 - the warehouse holds UTC without zone
        "provider_model_name": "azure/chat",
        "model": "gpt-4o",
        "key_id": caller,
        "input_tokens": 100,
        "cache_read_tokens": 20,
        "cache_write_tokens": 0,
        "output_tokens": 10,
        "input_is_total": False,
        "request_count": 2,
        "error_count": 0,
        "logged_cost_usd": Decimal("0.5"),
    }
    return row | values


def landed_totals(charges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the provider's own rows sum to, added up in Python."""
    sums: dict[tuple[Any, ...], Decimal] = {}
    keys = ("provider", "billing_account_id", "billing_month", "billing_currency")
    for row in charges:
        key = tuple(row[name] for name in keys)
        sums[key] = sums.get(key, Decimal(0)) + row["billed_cost"]
    return [dict(zip(keys, key, strict=True)) | {"landed_cost": total} for key, total in sums.items()]
