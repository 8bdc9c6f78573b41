"""The rows of the local Azure's bill in the columns of its cost files."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from emulator.azure.catalog import BLOCKS


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


EA = (
    "BillingAccountId", "BillingAccountName", "BillingPeriodStartDate", "BillingPeriodEndDate", "SubscriptionId",
    "SubscriptionName", "Date", "Product", "MeterCategory", "MeterSubCategory", "MeterName", "Quantity",
    "EffectivePrice",
    "Cost", "UnitPrice", "BillingCurrency", "ResourceLocation", "ConsumedService", "ResourceId", "ResourceName", "Tags",
    "UnitOfMeasure", "ResourceGroup", "ReservationId", "PublisherName", "ChargeType", "Frequency", "PublisherType",
    "PayGPrice", "PricingModel", "benefitId",
)  # fmt: skip
MCA = (
    "invoiceId", "billingAccountId", "billingProfileId", "billingPeriodEndDate", "billingPeriodStartDate", "date",
    "consumedService", "meterName", "meterCategory", "meterSubCategory", "ProductName", "SubscriptionId",
    "subscriptionName", "publisherType", "publisherName", "resourceGroupName", "ResourceId", "resourceLocation",
    "effectivePrice", "quantity", "unitOfMeasure", "chargeType", "billingCurrency", "pricingCurrency",
    "costInBillingCurrency", "costInPricingCurrency", "paygCostInBillingCurrency",
    "exchangeRatePricingToBilling", "tags",
    "PayGPrice", "frequency", "reservationId", "pricingModel", "unitPrice", "provider",
)  # fmt: skip
FOCUS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd",
    "ChargePeriodStart", "CommitmentDiscountId", "CommitmentDiscountStatus", "CommitmentDiscountType",
    "ConsumedQuantity", "ConsumedUnit", "EffectiveCost", "ListCost", "ListUnitPrice", "PricingCategory",
    "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId", "RegionName", "ResourceId",
    "ResourceName", "ServiceCategory", "ServiceName", "SubAccountId", "SubAccountName", "Tags", "x_BillingAccountId",
    "x_PricingBlockSize", "x_PricingUnitDescription", "x_ResourceType", "x_SkuMeterCategory", "x_SkuMeterName",
    "x_SkuMeterSubcategory",
)  # fmt: skip
COLUMNS = {"EA": EA, "MCA": MCA, "FOCUS": FOCUS}
DECIMALS = _names(
    "Quantity EffectivePrice Cost UnitPrice PayGPrice quantity effectivePrice costInBillingCurrency "
    "costInPricingCurrency paygCostInBillingCurrency unitPrice BilledCost ConsumedQuantity EffectiveCost ListCost "
    "ListUnitPrice PricingQuantity x_PricingBlockSize"
)
MOMENTS = _names(
    "BillingPeriodStartDate BillingPeriodEndDate Date billingPeriodStartDate billingPeriodEndDate date "
    "BillingPeriodEnd "
    "BillingPeriodStart ChargePeriodEnd ChargePeriodStart"
)
_CATEGORIES = {"Usage": "Usage", "UnusedReservation": "Usage", "Purchase": "Purchase", "Tax": "Tax"}
_PRICING = {"OnDemand": "Standard", "Reservation": "Committed"}
_KEY = (
    "usage_date", "subscription_id", "resource_id", "location", "consumed_service", "meter_category",
    "meter_subcategory",
    "meter", "unit", "charge_type", "pricing_model", "reservation_id", "publisher_type", "tags", "resource_group",
)  # fmt: skip


@dataclass(frozen=True)
class Bill:
    """Whose bill, and which span of it: from `month` to before `month_end`."""

    account: str
    currency: str
    month: date
    month_end: date


def next_month(day: date) -> date:
    """First day of the month after `day`'s."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def exact(text: str | None) -> Decimal | None:
    """A number as it stands in a file."""
    return None if text is None else Decimal(text)


def moment(text: str | None) -> datetime | None:
    """A day as it stands in a file."""
    if text is None:
        return None
    if "/" in text:
        month, day, year = text.split("/")
        return datetime(int(year), int(month), int(day))  # noqa: DTZ001 - Parquet exports carry no zone
    return datetime.fromisoformat(text.removesuffix("Z"))


def rows(visible: list[dict[str, Any]], kind: str, shape: str, bill: Bill) -> list[dict[str, str]]:
    """The rows of a file of one kind (`ActualCost`, `AmortizedCost`, `FocusCost`) in one shape."""
    if kind == "FocusCost":
        return [_focus(row, bill) for row in _both_views(visible)]
    make = _ea if shape == "EA" else _mca
    return [make(row, bill) for row in visible if row["metric"] == kind]


def _both_views(visible: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for what stands in both views, with both costs."""
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in visible:
        key = tuple(row[name] for name in _KEY)
        zero = {
            "billed": Decimal(0),
            "effective": Decimal(0),
            "actual_quantity": Decimal(0),
            "amortized_quantity": Decimal(0),
        }
        base = merged.setdefault(key, {**row, **zero})
        is_actual = row["metric"] == "ActualCost"
        base["billed" if is_actual else "effective"] += row["cost"]
        base["actual_quantity" if is_actual else "amortized_quantity"] += row["quantity"]
    for base in merged.values():
        base["quantity"] = base["actual_quantity"] or base["amortized_quantity"]
    return list(merged.values())


def _plain(number: Decimal) -> str:
    return f"{number:f}"


def _list_price(row: Mapping[str, Any]) -> Decimal:
    """The price before the contract's five percent, per unit of measure; 0 where none is known, as Azure writes it."""
    if row["charge_type"] != "Usage" or row["pricing_model"] != "OnDemand" or not row["quantity"]:
        return Decimal(0)
    unit = row["cost"] / row["quantity"]
    discounted = row["unit"] in BLOCKS
    return (unit / Decimal("0.95") if discounted else unit).quantize(Decimal("1e-10"))


def _bare_tags(text: str) -> str:
    """Tags as Enterprise Agreement files have them: JSON without its braces, no blank after the comma."""
    tags = json.loads(text)
    return ",".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in tags.items())


def _ea(row: Mapping[str, Any], bill: Bill) -> dict[str, str]:
    price = _list_price(row)
    unit = (row["cost"] / row["quantity"]).quantize(Decimal("1e-12")) if row["quantity"] else Decimal(0)
    return {
        "BillingAccountId": bill.account,
        "BillingAccountName": "Acme",
        "BillingPeriodStartDate": f"{bill.month.replace(day=1):%m/%d/%Y}",
        "BillingPeriodEndDate": f"{next_month(bill.month) - timedelta(days=1):%m/%d/%Y}",
        "SubscriptionId": row["subscription_id"],
        "Date": f"{row['usage_date']:%m/%d/%Y}",
        "Product": " - ".join(part for part in (row["meter_subcategory"], row["meter"]) if part),
        "MeterCategory": row["meter_category"],
        "MeterSubCategory": row["meter_subcategory"],
        "MeterName": row["meter"],
        "Quantity": _plain(row["quantity"]),
        "EffectivePrice": _plain(unit),
        "Cost": _plain(row["cost"]),
        "UnitPrice": _plain(unit),
        "BillingCurrency": bill.currency,
        "ResourceLocation": row["location"],
        "ConsumedService": row["consumed_service"],
        "ResourceId": row["resource_id"],
        "ResourceName": row["resource_id"].rpartition("/")[2] if row["resource_group"] else "",
        "Tags": _bare_tags(row["tags"]),
        "UnitOfMeasure": row["unit"],
        "ResourceGroup": row["resource_group"],
        "ReservationId": row["reservation_id"],
        "PublisherName": "Microsoft",
        "ChargeType": row["charge_type"],
        "Frequency": "UsageBased" if row["charge_type"] == "Usage" else "OneTime",
        "PublisherType": row["publisher_type"],
        "PayGPrice": _plain(price),
        "PricingModel": row["pricing_model"],
    }


def _mca(row: Mapping[str, Any], bill: Bill) -> dict[str, str]:
    ea = _ea(row, bill)
    renamed = {
        name: ea[source]
        for name, source in {
            "billingAccountId": "BillingAccountId", "consumedService": "ConsumedService", "meterName": "MeterName",
            "meterCategory": "MeterCategory", "meterSubCategory": "MeterSubCategory", "ProductName": "Product",
            "SubscriptionId": "SubscriptionId", "publisherType": "PublisherType", "publisherName": "PublisherName",
            "resourceGroupName": "ResourceGroup", "ResourceId": "ResourceId", "resourceLocation": "ResourceLocation",
            "effectivePrice": "EffectivePrice", "quantity": "Quantity", "unitOfMeasure": "UnitOfMeasure",
            "chargeType": "ChargeType", "billingCurrency": "BillingCurrency", "pricingCurrency": "BillingCurrency",
            "costInBillingCurrency": "Cost", "costInPricingCurrency": "Cost", "PayGPrice": "PayGPrice",
            "frequency": "Frequency", "reservationId": "ReservationId", "pricingModel": "PricingModel",
            "unitPrice": "UnitPrice",
        }.items()
    }  # fmt: skip
    return renamed | {
        "billingPeriodStartDate": f"{bill.month.replace(day=1):%Y-%m-%d}",
        "billingPeriodEndDate": f"{next_month(bill.month) - timedelta(days=1):%Y-%m-%d}",
        "date": f"{row['usage_date']:%Y-%m-%d}",
        "tags": row["tags"],
        "exchangeRatePricingToBilling": "1",
        "paygCostInBillingCurrency": _plain(_list_price(row) * row["quantity"]),
        "provider": "Azure",
    }


def _focus(row: Mapping[str, Any], bill: Bill) -> dict[str, str]:
    committed = row["pricing_model"] == "Reservation"
    is_unused = row["charge_type"] == "UnusedReservation"
    is_usage = row["charge_type"] == "Usage"
    block = BLOCKS.get(row["unit"], 1)
    price = _list_price({**row, "cost": row["billed"]})
    return {
        "BilledCost": _plain(row["billed"]),
        "EffectiveCost": _plain(row["effective"]),
        "BillingAccountId": f"/providers/Microsoft.Billing/billingAccounts/{bill.account}",
        "BillingAccountType": "Billing Account",
        "BillingCurrency": bill.currency,
        "BillingPeriodStart": f"{bill.month.replace(day=1):%Y-%m-%dT00:00:00Z}",
        "BillingPeriodEnd": f"{next_month(bill.month):%Y-%m-%dT00:00:00Z}",
        "ChargeCategory": _CATEGORIES.get(row["charge_type"], "Adjustment"),
        "ChargeDescription": row["meter"],
        "ChargeFrequency": "Usage-Based" if is_usage else "One-Time",
        "ChargePeriodStart": f"{row['usage_date']:%Y-%m-%dT00:00:00Z}",
        "ChargePeriodEnd": f"{row['usage_date'] + timedelta(days=1):%Y-%m-%dT00:00:00Z}",
        "CommitmentDiscountId": f"/providers/Microsoft.Capacity/reservationOrders/{row['reservation_id']}"
        if committed
        else "",
        "CommitmentDiscountStatus": "Unused" if is_unused else "Used" if committed and is_usage else "",
        "CommitmentDiscountType": "Reservation" if committed else "",
        "ConsumedQuantity": _plain(row["quantity"]) if is_usage else "",
        "ConsumedUnit": "Units" if is_usage else "",
        "ListCost": _plain(price * row["quantity"]),
        "ListUnitPrice": _plain(price),
        "PricingCategory": _PRICING.get(row["pricing_model"], ""),
        # Azure divides by the block once more than the consumed quantity, which is in blocks already
        "PricingQuantity": _plain((row["quantity"] / block).quantize(Decimal("1e-14"))),
        "PricingUnit": "Units/Hour" if "Hour" in row["unit"] else "Units",
        "ProviderName": "Microsoft",
        "PublisherName": "Microsoft",
        "RegionId": row["location"].lower(),
        "ResourceId": row["resource_id"],
        "ResourceName": row["resource_id"].rpartition("/")[2],
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "" if row["charge_type"] == "Purchase" else "Azure OpenAI",
        "SubAccountId": f"/subscriptions/{row['subscription_id']}" if row["subscription_id"] else "",
        "Tags": row["tags"],
        "x_BillingAccountId": bill.account,
        "x_PricingBlockSize": str(block),
        "x_PricingUnitDescription": row["unit"],
        "x_SkuMeterCategory": row["meter_category"],
        "x_SkuMeterName": row["meter"],
        "x_SkuMeterSubcategory": row["meter_subcategory"],
    }
