"""The formats of the AWS bill: by which columns a file is known, and how each lands.

CUR 2.0, the legacy Cost and Usage Report and the FOCUS exports each land in streams of their own, field names
untouched; whatever else a file carries is landed beside the columns named here. A Parquet file keeps its types, a CSV
file stays text, so that each amount is what AWS wrote.
"""

from dataclasses import dataclass
from typing import cast

import pyarrow as pa

from ingest import arrow
from ingest.contracts import StreamContract
from ingest.files import FileKind

SOURCE = "aws_cur"
_TEXT = pa.string()
_MOMENT = pa.timestamp("us")  # AWS's times carry no zone; they are UTC
_AMOUNT = pa.float64()
_TAGS = pa.map_(pa.string(), pa.string())
TAGS_OF_LEGACY = "_resource_tags"
_CUR2: dict[str, pa.DataType] = {
    "bill_billing_entity": _TEXT,
    "bill_bill_type": _TEXT,
    "bill_invoice_id": _TEXT,
    "bill_invoicing_entity": _TEXT,
    "bill_payer_account_id": _TEXT,
    "bill_billing_period_start_date": _MOMENT,
    "bill_billing_period_end_date": _MOMENT,
    "identity_line_item_id": _TEXT,
    "identity_time_interval": _TEXT,
    "line_item_usage_account_id": _TEXT,
    "line_item_usage_account_name": _TEXT,
    "line_item_line_item_type": _TEXT,
    "line_item_usage_start_date": _MOMENT,
    "line_item_usage_end_date": _MOMENT,
    "line_item_product_code": _TEXT,
    "line_item_usage_type": _TEXT,
    "line_item_operation": _TEXT,
    "line_item_resource_id": _TEXT,
    "line_item_usage_amount": _AMOUNT,
    "line_item_currency_code": _TEXT,
    "line_item_unblended_rate": _TEXT,
    "line_item_unblended_cost": _AMOUNT,
    "line_item_net_unblended_rate": _TEXT,
    "line_item_net_unblended_cost": _AMOUNT,
    "line_item_line_item_description": _TEXT,
    "line_item_legal_entity": _TEXT,
    "line_item_tax_type": _TEXT,
    "line_item_iam_principal": _TEXT,
    "product": _TAGS,
    "product_servicecode": _TEXT,
    "product_region_code": _TEXT,
    "product_sku": _TEXT,
    "pricing_unit": _TEXT,
    "pricing_term": _TEXT,
    "pricing_public_on_demand_cost": _AMOUNT,
    "pricing_public_on_demand_rate": _TEXT,
    "resource_tags": _TAGS,
    "tags": _TAGS,
    "discount": pa.map_(pa.string(), pa.float64()),
}
# only a payer with discounts gets net columns, and only exports with principals or invoices theirs
_CUR2_OPTIONAL = {
    "identity_line_item_id",
    "identity_time_interval",
    "bill_bill_type",
    "bill_invoicing_entity",
    "line_item_usage_account_name",
    "line_item_unblended_rate",
    "line_item_net_unblended_rate",
    "line_item_net_unblended_cost",
    "line_item_legal_entity",
    "line_item_tax_type",
    "line_item_iam_principal",
    "product_servicecode",
    "product_sku",
    "pricing_term",
    "pricing_public_on_demand_rate",
    "tags",
    "discount",
}
_LEGACY = (
    "bill/BillingEntity",
    "bill/BillType",
    "bill/InvoiceId",
    "bill/PayerAccountId",
    "bill/BillingPeriodStartDate",
    "bill/BillingPeriodEndDate",
    "lineItem/UsageAccountId",
    "lineItem/LineItemType",
    "lineItem/UsageStartDate",
    "lineItem/UsageEndDate",
    "lineItem/ProductCode",
    "lineItem/UsageType",
    "lineItem/Operation",
    "lineItem/UsageAmount",
    "lineItem/CurrencyCode",
    "lineItem/UnblendedCost",
    "lineItem/LineItemDescription",
    "product/ProductName",
    "pricing/unit",
)
_LEGACY_OPTIONAL = (
    "identity/LineItemId",
    "identity/TimeInterval",
    "bill/InvoicingEntity",
    "lineItem/ResourceId",
    "lineItem/UnblendedRate",
    "lineItem/NetUnblendedCost",
    "lineItem/LegalEntity",
    "lineItem/TaxType",
    "product/region",
    "product/regionCode",
    "pricing/term",
    "pricing/publicOnDemandCost",
)
_FOCUS: dict[str, pa.DataType] = {
    "BilledCost": _AMOUNT,
    "EffectiveCost": _AMOUNT,
    "ListCost": _AMOUNT,
    "ContractedCost": _AMOUNT,
    "BillingAccountId": _TEXT,
    "BillingCurrency": _TEXT,
    "BillingPeriodStart": _MOMENT,
    "BillingPeriodEnd": _MOMENT,
    "ChargeCategory": _TEXT,
    "ChargeDescription": _TEXT,
    "ChargePeriodStart": _MOMENT,
    "ChargePeriodEnd": _MOMENT,
    "ProviderName": _TEXT,
    "PublisherName": _TEXT,
    "ServiceName": _TEXT,
    "SubAccountId": _TEXT,
    "ResourceId": _TEXT,
    "RegionId": _TEXT,
    "PricingQuantity": _AMOUNT,
    "PricingUnit": _TEXT,
    "Tags": _TAGS,
}
_FOCUS_OPTIONAL: dict[str, pa.DataType] = {
    "ChargeClass": _TEXT,
    "ConsumedQuantity": _AMOUNT,
    "ConsumedUnit": _TEXT,
    "InvoiceIssuerName": _TEXT,
    "SkuId": _TEXT,
    "SkuPriceId": _TEXT,
    "x_ServiceCode": _TEXT,
    "x_Operation": _TEXT,
    "x_UsageType": _TEXT,
}
# what a 1.2 export has and a 1.0 export has not
_FOCUS_1_2: dict[str, pa.DataType] = {"InvoiceId": _TEXT, "SkuMeter": _TEXT, "ServiceSubcategory": _TEXT}


@dataclass(frozen=True)
class Layout:
    """How the files of one format land.

    Attributes:
        kind: by which columns a file is known.
        contract: the stream that they land in.
        account: column of the payer, then those of period, currency, cost, user account, resource and line item type.
        numbers: columns whose values must be numbers or absent.
        moments: columns whose values must be times; the first is the end of the usage.
    """

    kind: FileKind
    contract: StreamContract
    account: str
    period: str
    currency: str
    cost: str
    sub_account: str
    resource: str
    line_type: str
    numbers: tuple[str, ...]
    moments: tuple[str, ...]

    @property
    def is_text(self) -> bool:
        """Whether every value lands as text."""
        return pa.types.is_string(arrow.type_of(self.contract.schema, self.cost))


def _contract(stream: str, columns: dict[str, pa.DataType], required: tuple[str, ...], key: tuple[str, ...],
              amount: str) -> StreamContract:  # fmt: skip
    schema = pa.schema([pa.field(name, kind) for name, kind in columns.items()])
    return StreamContract(SOURCE, stream, schema, required, key=key, amount=amount)


def _text(columns: dict[str, pa.DataType]) -> dict[str, pa.DataType]:
    return dict.fromkeys(columns, _TEXT)


def _cur2(stream: str, columns: dict[str, pa.DataType]) -> Layout:
    required = tuple(name for name in _CUR2 if name not in _CUR2_OPTIONAL)
    cost, period = "line_item_unblended_cost", "bill_billing_period_start_date"
    key = ("line_item_usage_account_id", "line_item_usage_start_date", "line_item_product_code",
           "line_item_usage_type", "line_item_operation", "line_item_resource_id", "line_item_line_item_type",
           "line_item_line_item_description")  # fmt: skip
    return Layout(
        kind=FileKind("Cost and Usage Report 2.0", required),
        contract=_contract(stream, columns, required, key, cost),
        account="bill_payer_account_id",
        period=period,
        currency="line_item_currency_code",
        cost=cost,
        sub_account="line_item_usage_account_id",
        resource="line_item_resource_id",
        line_type="line_item_line_item_type",
        numbers=("line_item_net_unblended_cost", "pricing_public_on_demand_cost", "line_item_usage_amount"),
        moments=("line_item_usage_end_date", "line_item_usage_start_date", period),
    )


def _legacy() -> Layout:
    cost, period = "lineItem/UnblendedCost", "bill/BillingPeriodStartDate"
    key = ("lineItem/UsageAccountId", "lineItem/UsageStartDate", "lineItem/ProductCode", "lineItem/UsageType",
           "lineItem/Operation", "lineItem/ResourceId", "lineItem/LineItemType",
           "lineItem/LineItemDescription")  # fmt: skip
    text: dict[str, pa.DataType] = dict.fromkeys((*_LEGACY, *_LEGACY_OPTIONAL), cast(pa.DataType, _TEXT))
    columns = text | {TAGS_OF_LEGACY: _TAGS}
    return Layout(
        kind=FileKind("legacy Cost and Usage Report", _LEGACY),
        contract=_contract("legacy_line_items", columns, _LEGACY, key, cost),
        account="bill/PayerAccountId",
        period=period,
        currency="lineItem/CurrencyCode",
        cost=cost,
        sub_account="lineItem/UsageAccountId",
        resource="lineItem/ResourceId",
        line_type="lineItem/LineItemType",
        numbers=("lineItem/NetUnblendedCost", "pricing/publicOnDemandCost", "lineItem/UsageAmount"),
        moments=("lineItem/UsageEndDate", "lineItem/UsageStartDate", period),
    )


def _focus(stream: str, version: str, own: dict[str, pa.DataType], *, text: bool) -> Layout:
    columns = _FOCUS | own | _FOCUS_OPTIONAL
    required = (*_FOCUS, *own)
    key = ("SubAccountId", "ChargePeriodStart", "ServiceName", "ChargeDescription", "ChargeCategory", "ResourceId",
           "SkuPriceId")  # fmt: skip
    return Layout(
        kind=FileKind(f"FOCUS {version} export", required),
        contract=_contract(stream, _text(columns) if text else columns, required, key, "BilledCost"),
        account="BillingAccountId",
        period="BillingPeriodStart",
        currency="BillingCurrency",
        cost="BilledCost",
        sub_account="SubAccountId",
        resource="ResourceId",
        line_type="ChargeCategory",
        numbers=("EffectiveCost", "ListCost", "PricingQuantity", "ConsumedQuantity"),
        moments=("ChargePeriodEnd", "ChargePeriodStart", "BillingPeriodStart"),
    )


CUR2 = _cur2("line_items", _CUR2)
LINE_ITEMS = CUR2.contract
# the most detailed format first: the first that fits is what a file is
LAYOUTS = (
    CUR2,
    _cur2("line_items_csv", _text(_CUR2)),
    _legacy(),
    _focus("focus_1_2_rows", "1.2", _FOCUS_1_2, text=False),
    _focus("focus_1_2_rows_csv", "1.2", _FOCUS_1_2, text=True),
    _focus("focus_1_0_rows", "1.0", {}, text=False),
    _focus("focus_1_0_rows_csv", "1.0", {}, text=True),
)
KINDS = tuple(dict.fromkeys(layout.kind for layout in LAYOUTS))


def layout_of(kind: FileKind, *, text: bool) -> Layout | None:
    """The layout of a kind for a text or a typed file, None where AWS does not write it so."""
    return next((one for one in LAYOUTS if one.kind == kind and one.is_text == text), None)
