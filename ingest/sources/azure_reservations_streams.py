"""The streams of reservations: fields as the Consumption and Capacity APIs name them."""

from typing import Any, cast

import pyarrow as pa

from ingest import arrow
from ingest.contracts import StreamContract

SOURCE = "azure_reservations"

_text = pa.string()
_SHARED: dict[str, pa.DataType] = {
    "reservationOrderId": _text,
    "reservationId": _text,
    "skuName": _text,
    "kind": _text,
    "usageDate": pa.timestamp("us", tz="UTC"),
    "reservedHours": _text,
    "usedHours": _text,
    "totalReservedQuantity": _text,
}
_SUMMARY: dict[str, pa.DataType] = _SHARED | {
    "minUtilizationPercentage": _text,
    "avgUtilizationPercentage": _text,
    "maxUtilizationPercentage": _text,
    "purchasedQuantity": _text,
    "remainingQuantity": _text,
    "usedQuantity": _text,
    "utilizedPercentage": _text,
}
_DETAIL: dict[str, pa.DataType] = _SHARED | {
    "instanceId": _text,
    "instanceFlexibilityRatio": _text,
    "instanceFlexibilityGroup": _text,
}
_required = ("reservationOrderId", "reservationId", "usageDate", "reservedHours", "usedHours")
_scope_field = pa.field("_billing_account_id", _text)
SUMMARIES = StreamContract(
    SOURCE,
    "summaries",
    pa.schema([*(pa.field(*item) for item in _SUMMARY.items()), _scope_field]),
    _required,
    empty_ok=True,
    may_shrink=True,
)
DETAILS = StreamContract(
    SOURCE,
    "details",
    pa.schema([*(pa.field(*item) for item in _DETAIL.items()), _scope_field]),
    (*_required, "instanceId"),
    empty_ok=True,
    may_shrink=True,
)
_TRANSACTION: dict[str, pa.DataType] = {
    "eventDate": pa.timestamp("us", tz="UTC"),
    "reservationOrderId": _text,
    "reservationOrderName": _text,
    "description": _text,
    "eventType": _text,
    "quantity": _text,
    "amount": _text,
    "currency": _text,
    "armSkuName": _text,
    "term": _text,
    "region": _text,
    "billingFrequency": _text,
    "billingMonth": _text,
    "purchasingSubscriptionGuid": _text,
    "purchasingSubscriptionName": _text,
    "purchasingEnrollment": _text,
    "currentEnrollment": _text,
    "departmentName": _text,
    "costCenter": _text,
    "monetaryCommitment": _text,
    "overage": _text,
    "invoice": _text,
    "invoiceId": _text,
    "billingProfileId": _text,
    "billingProfileName": _text,
    "invoiceSectionId": _text,
    "invoiceSectionName": _text,
}
TRANSACTIONS = StreamContract(
    SOURCE,
    "transactions",
    pa.schema([*(pa.field(*item) for item in _TRANSACTION.items()), _scope_field]),
    ("eventDate", "reservationOrderId", "eventType", "amount", "currency"),
    empty_ok=True,
    may_shrink=True,
    key=("reservationOrderId", "eventDate", "eventType"),
    amount="amount",
)
RESERVATIONS = StreamContract(
    SOURCE,
    "reservations",
    pa.schema(
        [
            ("id", _text), ("name", _text), ("location", _text), ("skuName", _text), ("displayName", _text),
            ("reservedResourceType", _text), ("quantity", _text), ("term", _text), ("billingPlan", _text),
            ("billingScopeId", _text), ("appliedScopeType", _text), ("appliedScopes", pa.list_(_text)),
            ("provisioningState", _text), ("effectiveDateTime", _text), ("expiryDateTime", _text),
            ("purchaseDateTime", _text), ("renew", pa.bool_()),
        ]
    ),
    ("id", "skuName", "quantity"),
    empty_ok=True,
    may_shrink=True,
)  # fmt: skip


def fields_of(contract: StreamContract) -> list[tuple[str, pa.DataType]]:
    """The provider's own fields of a stream, with their types."""
    return [(field.name, field.type) for field in arrow.fields(contract.schema) if not field.name.startswith("_")]


def inventory_row(item: Any) -> dict[str, Any]:
    """A reservation of the inventory; times stay the text that they came as."""
    properties: Any = item.properties or {}
    names = [name for name, _ in fields_of(RESERVATIONS) if name not in ("id", "name", "location", "skuName")]
    row: dict[str, Any] = {name: properties.get(name) for name in names}
    for name, value in row.items():
        if name == "appliedScopes":
            row[name] = [str(scope) for scope in cast(list[Any], value or [])]
        elif name != "renew":
            row[name] = None if value is None else str(value)
    sku = item.sku.name if item.sku else None
    return {"id": item.id, "name": item.name, "location": item.location, "skuName": sku, **row}
