"""Columns of CUR 2.0 that the models read; whatever else an export carries is landed beside them."""

import pyarrow as pa

from ingest.contracts import StreamContract

_TEXT = pa.string()
_MOMENT = pa.timestamp("us")  # CUR times carry no zone; they are UTC
_TAGS = pa.map_(pa.string(), pa.string())
_COLUMNS: dict[str, pa.DataType] = {
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
    "line_item_usage_amount": pa.float64(),
    "line_item_currency_code": _TEXT,
    "line_item_unblended_rate": _TEXT,
    "line_item_unblended_cost": pa.float64(),
    "line_item_net_unblended_rate": _TEXT,
    "line_item_net_unblended_cost": pa.float64(),
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
    "pricing_public_on_demand_cost": pa.float64(),
    "pricing_public_on_demand_rate": _TEXT,
    "resource_tags": _TAGS,
    "discount": pa.map_(pa.string(), pa.float64()),
}
# only a payer with discounts gets net columns, and only exports with principals or invoices theirs
_OPTIONAL = {
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
    "discount",
}
LINE_ITEMS = StreamContract(
    "aws_cur",
    "line_items",
    pa.schema([pa.field(name, kind) for name, kind in _COLUMNS.items()]),
    required=tuple(name for name in _COLUMNS if name not in _OPTIONAL),
)
