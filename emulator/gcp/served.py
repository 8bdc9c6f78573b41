"""The tables of the billing export that are served, all from the same rows: detailed, standard, FOCUS and pricing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

PARTITION = "_PARTITIONTIME"
_DETAILED_ONLY = (
    "resource, subscription, price, consumption_model, cost_at_effective_price_default, cost_at_list_consumption_model"
)
_PAIRS = "list_transform({}, lambda label: struct_pack(Key := label.key, Value := label.value))"
_NUMERIC = "CAST({} AS DECIMAL(38, 9))"
# the columns of a FOCUS 1.2 export as Google writes them
_FOCUS = {
    "AvailabilityZone": "location.zone",
    "BilledCost": _NUMERIC.format("cost"),
    "BillingAccountId": "billing_account_id",
    "BillingAccountType": "'Billing Account'",
    "BillingCurrency": "currency",
    "BillingPeriodStart": "CAST(strptime(invoice.month || '01', '%Y%m%d') AS TIMESTAMPTZ)",
    "BillingPeriodEnd": "CAST(strptime(invoice.month || '01', '%Y%m%d') + INTERVAL 1 MONTH AS TIMESTAMPTZ)",
    "ChargeCategory": "CASE cost_type WHEN 'tax' THEN 'Tax' WHEN 'regular' THEN 'Usage' ELSE 'Adjustment' END",
    "ChargeClass": "CASE WHEN adjustment_info.id IS NOT NULL THEN 'Correction' END",
    "ChargeDescription": "sku.description",
    "ChargePeriodStart": "usage_start_time",
    "ChargePeriodEnd": "usage_end_time",
    "ConsumedQuantity": _NUMERIC.format("usage.amount"),
    "ConsumedUnit": "usage.unit",
    "ContractedCost": _NUMERIC.format("cost"),
    "ContractedUnitPrice": "price.effective_price",
    "EffectiveCost": _NUMERIC.format("cost")
    + " + coalesce(list_sum(list_transform(credits, lambda part: CAST(part.amount AS DECIMAL(38, 9)))), 0)",
    "ListCost": _NUMERIC.format("cost_at_list"),
    "ListUnitPrice": "price.list_price",
    "PricingCategory": "'Standard'",
    "PricingCurrency": "'USD'",
    "PricingQuantity": _NUMERIC.format("usage.amount_in_pricing_units"),
    "PricingUnit": "usage.pricing_unit",
    "ProviderName": "'Google Cloud'",
    "PublisherName": "seller_name",
    "RegionId": "location.region",
    "RegionName": "location.region",
    "ResourceId": "resource.global_name",
    "ResourceName": "resource.name",
    "ServiceName": "service.description",
    "SkuId": "sku.id",
    "SkuPriceId": "CAST(NULL AS VARCHAR)",
    "SubAccountId": "project.id",
    "SubAccountName": "project.name",
    "x_CostType": "cost_type",
    "x_Credits": "list_transform(credits, lambda part: struct_pack(Name := part.name, Amount := CAST(part.amount AS"
    " DECIMAL(38, 9)), FullName := part.full_name, Id := part.id, Type := part.type))",
    "x_CurrencyConversionRate": "currency_conversion_rate",
    "x_ExportTime": "export_time",
    "x_Labels": _PAIRS.format("labels"),
    "x_Location": "location.location",
    "x_ProjectLabels": _PAIRS.format("project.labels"),
    "x_ServiceId": "service.id",
    "x_SubscriptionInstanceId": "subscription.instance_id",
    "x_SystemLabels": _PAIRS.format("system_labels"),
}
_RATE = (
    "struct_pack(tiered_rates := [struct_pack(pricing_unit_quantity := {units}, start_usage_amount := CAST(0 AS"
    " DECIMAL(38, 9)), usd_amount := {price}, account_currency_amount := {price})])"
)
_PRICING = (
    f"SELECT {PARTITION} AS export_time, {PARTITION} AS pricing_as_of_time, billing_account_id, service, sku,"
    " price.unit AS pricing_unit, currency AS account_currency_code, "
    + _RATE.format(units="max(price.pricing_unit_quantity)", price="max(price.list_price)")
    + " AS list_price, "
    + _RATE.format(units="max(price.pricing_unit_quantity)", price="max(price.effective_price)")
    + f" AS billing_account_price, {PARTITION} FROM ({{rows}}) WHERE cost_type = 'regular' AND usage.amount > 0"
    f" GROUP BY {PARTITION}, billing_account_id, service, sku, price.unit, currency"
)
_SELECTS = {
    "detailed": "{rows}",
    "standard": f"SELECT * EXCLUDE ({_DETAILED_ONLY}) FROM ({{rows}})",
    "focus": f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in _FOCUS.items())}, {PARTITION} FROM ({{rows}})",
    "pricing": _PRICING,
}
_NAMES = {
    "detailed": "gcp_billing_export_resource_v1_{account}",
    "standard": "gcp_billing_export_v1_{account}",
    "focus": "gcp_billing_export_focus_{account}",
    "pricing": "cloud_pricing_export",
}
KINDS = tuple(_NAMES)


@dataclass(frozen=True)
class ServedTable:
    """One table: its place, how it is made of the export's rows, and its columns with `_PARTITIONTIME`."""

    dataset: str
    name: str
    select: str
    schema: pa.Schema

    def sql(self, rows: str) -> str:
        """Its rows, made of `rows` of the detailed export."""
        return self.select.format(rows=rows)


def served_tables(place: Mapping[str, Any], kinds: tuple[str, ...], describe: Any) -> list[ServedTable]:
    """The tables of the given kinds; `describe` tells the columns of a select over the export."""
    account = str(place["table"]).removeprefix("gcp_billing_export_resource_v1_")
    immutable = f"gcp_billing_immutable_{account}_{place['location']}"
    return [
        ServedTable(
            immutable if kind == "focus" else place["dataset"],
            _NAMES[kind].format(account=account),
            _SELECTS[kind],
            describe(_SELECTS[kind]),
        )
        for kind in kinds
    ]
