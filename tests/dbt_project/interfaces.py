"""Rows of what the clouds hand to the central models, which a test fills only where it matters."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any


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
