"""Google's native FOCUS export: the landed columns of `gcp_billing_export_focus_<account>`.

Google writes it to a dataset of its own, `gcp_billing_immutable_<account>_<location>`. Costs are NUMERIC, credits stand
beside the cost in `x_Credits`, the invoice month is `BillingPeriodStart`.
Schema: the 55 columns of a FOCUS 1.2 export, https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables.
"""

import pyarrow as pa

from ingest.contracts import StreamContract
from ingest.sources.gcp_billing_rows import DOUBLE, OWN_COLUMNS, SOURCE, TEXT, UTC_TIME, ExportKind, record

_MONEY = pa.decimal128(38, 12)
_PAIRS = pa.list_(record(Key=TEXT, Value=TEXT))
_COLUMNS: dict[str, pa.DataType] = {
    "BillingAccountId": TEXT,
    "BillingPeriodStart": UTC_TIME,
    "BillingCurrency": TEXT,
    "BilledCost": _MONEY,
    "EffectiveCost": _MONEY,
    "ListCost": _MONEY,
    "ContractedCost": _MONEY,
    "ChargeCategory": TEXT,
    "ChargeClass": TEXT,
    "ChargeDescription": TEXT,
    "ChargePeriodStart": UTC_TIME,
    "ChargePeriodEnd": UTC_TIME,
    "ConsumedQuantity": _MONEY,
    "ConsumedUnit": TEXT,
    "PricingQuantity": _MONEY,
    "PricingUnit": TEXT,
    "RegionId": TEXT,
    "ResourceId": TEXT,
    "ServiceName": TEXT,
    "SkuId": TEXT,
    "SubAccountId": TEXT,
    "SubAccountName": TEXT,
    "x_Credits": pa.list_(record(Name=TEXT, Amount=_MONEY, FullName=TEXT, Id=TEXT, Type=TEXT)),
    "x_CostType": TEXT,
    "x_CurrencyConversionRate": DOUBLE,
    "x_ExportTime": UTC_TIME,
    "x_ServiceId": TEXT,
    "x_Labels": _PAIRS,
    "x_ProjectLabels": _PAIRS,
    "x_SubscriptionInstanceId": TEXT,
}
_REQUIRED = (
    "BillingAccountId",
    "BillingPeriodStart",
    "BillingCurrency",
    "BilledCost",
    "ChargeDescription",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ConsumedQuantity",
    "ServiceName",
    "SkuId",
    "SubAccountId",
    "x_Credits.Amount",
    "x_Credits.Type",
    "x_CostType",
    "x_CurrencyConversionRate",
    "x_ExportTime",
    "x_ServiceId",
    "x_Labels.Key",
    "x_Labels.Value",
    "x_ProjectLabels.Key",
)
_LEFT_OUT = frozenset(
    {
        "AvailabilityZone",
        "BillingPeriodEnd",
        "BillingAccountType",
        "ContractedUnitPrice",
        "ListUnitPrice",
        "PricingCategory",
        "ProviderName",
        "PublisherName",
        "RegionName",
        "ResourceName",
        "SkuPriceId",
        "PricingCurrency",
        "PricingCurrencyContractedUnitPrice",
        "PricingCurrencyEffectiveCost",
        "PricingCurrencyListUnitPrice",
        "x_Location",
        "x_Project",
        "x_SystemLabels",
        "x_Tags",
        "x_PriceEffectivePriceDefault",
        "x_PriceListPriceConsumptionModel",
        "x_CostAtEffectivePriceDefault",
        "x_CostAtListConsumptionModel",
        "x_ConsumptionModelId",
        "x_ConsumptionModelDescription",
    }
)
FOCUS_ROWS = StreamContract(
    source=SOURCE,
    stream="focus_rows",
    schema=pa.schema([pa.field(name, kind) for name, kind in (_COLUMNS | OWN_COLUMNS).items()]),
    required=(*dict.fromkeys(path.partition(".")[0] for path in _REQUIRED), *OWN_COLUMNS),
    key=("SkuId", "SubAccountId", "ChargePeriodStart", "x_CostType", "BillingPeriodStart"),
    amount="BilledCost",
)
FOCUS = ExportKind(
    "focus",
    "native FOCUS export",
    "gcp_billing_export_focus_",
    FOCUS_ROWS,
    _REQUIRED,
    _LEFT_OUT,
    export_time="x_ExportTime",
    usage_start="ChargePeriodStart",
    usage_end="ChargePeriodEnd",
    account="BillingAccountId",
    month="BillingPeriodStart",
    cost="BilledCost",
    currency="BillingCurrency",
    credits=("x_Credits", "Amount"),
)
