"""Reservations as the Capacity and Consumption APIs spell them."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

DAY_HOURS = 24


def event_dates(text: str) -> tuple[str, str]:
    """First and last day of a filter on the date of events; all days where it names none."""
    first = re.search(r"eventDate ge (\d{4}-\d{2}-\d{2})", text)
    last = re.search(r"eventDate le (\d{4}-\d{2}-\d{2})", text)
    return first[1] if first else "0000", last[1] if last else "9999"


def reservation(item: Mapping[str, Any]) -> dict[str, Any]:
    order, term = item["order"], "P1M" if item["term"] == "1 Month" else "P1Y"
    return {
        "id": f"/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{order}-a",
        "name": f"{order}/{order}-a",
        "type": "Microsoft.Capacity/reservationOrders/reservations",
        "location": item["region"],
        "sku": {"name": "OpenAI_Provisioned_Managed_Global"},
        "properties": {
            "reservedResourceType": "OpenAIPTU",
            "displayName": f"PTU {item['region']}",
            "appliedScopeType": "Shared",
            "quantity": item["ptus"],
            "provisioningState": "Succeeded",
            "effectiveDateTime": f"{item['bought']}T00:00:00Z",
            "expiryDateTime": f"{item['ends']}T00:00:00Z",
            "purchaseDateTime": f"{item['bought']}T00:00:00Z",
            "billingPlan": "Upfront",
            "term": term,
            "renew": item["renews"],
        },
    }


def summary(order: str, reservation: str, period: date, rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    by_day = {row["usage_date"]: row["reserved_hours"] for row in rows}
    reserved, used = sum(by_day.values()), sum(row["used_hours"] for row in rows)
    percent = round(100 * used / reserved, 2) if reserved else 0
    properties = {
        "reservationOrderId": order,
        "reservationId": reservation,
        "skuName": rows[0]["sku_name"],
        "reservedHours": reserved,
        "usageDate": f"{period.isoformat()}T00:00:00Z",
        "usedHours": used,
        "minUtilizationPercentage": percent,
        "avgUtilizationPercentage": percent,
        "maxUtilizationPercentage": percent,
        "kind": "Reservation",
        "purchasedQuantity": rows[0]["quantity"],
        "remainingQuantity": 0,
        "totalReservedQuantity": reserved // DAY_HOURS,
        "usedQuantity": used // DAY_HOURS,
        "utilizedPercentage": percent,
    }
    return _consumption("reservationSummaries", f"{reservation}_{period:%Y%m%d}", properties)


def detail(row: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        "reservationOrderId": row["order_id"],
        "reservationId": row["reservation_id"],
        "instanceFlexibilityRatio": "1",
        "instanceFlexibilityGroup": "NA",
        "skuName": row["sku_name"],
        "reservedHours": row["reserved_hours"],
        "usageDate": f"{row['usage_date'].isoformat()}T00:00:00Z",
        "usedHours": row["used_hours"],
        "instanceId": row["instance_id"].lower(),
        "totalReservedQuantity": row["quantity"],
        "kind": "Reservation",
    }
    return _consumption("reservationDetails", f"{row['reservation_id']}_{row['usage_date']:%Y%m%d}", properties)


def transaction(item: Mapping[str, Any], currency: str) -> dict[str, Any]:
    properties = {
        "eventDate": f"{item['day']}T00:00:00Z",
        "reservationOrderId": item["order"],
        "reservationOrderName": item["order"],
        "description": "Azure AI Foundry Provisioned Throughput Reservation",
        "eventType": "Purchase",
        "quantity": item["ptus"],
        "amount": float(item["amount"]),
        "currency": currency,
        "armSkuName": "OpenAI_Provisioned_Managed_Global",
        "term": "P1M" if item["term"] == "1 Month" else "P1Y",
        "region": item["region"],
        "billingFrequency": "OneTime",
    }
    return _consumption("reservationTransactions", f"{item['order']}_{item['day']}", properties)


def _consumption(kind: str, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    identity = f"/providers/Microsoft.Consumption/{kind}/{name}"
    return {"id": identity, "name": name, "type": f"Microsoft.Consumption/{kind}", "properties": dict(properties)}
