"""Resource Manager and Consumption: subscriptions, accounts, deployments, reservation use and purchases."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pyarrow.parquet as pq

from emulator.azure import reservation_answers
from emulator.azure.wire import AzureError, Call, Reply, bad_request

PAGE_ITEMS = 100
SEEN_AFTER = timedelta(days=1, hours=20)
# what the billing account would be called as a Microsoft Customer Agreement
BILLING_PROFILE = "ACME-MAIN"


class Resources:
    """Answers from `inventory.json` and `reservation_days.parquet`."""

    def __init__(self, folder: Path) -> None:
        self.inventory: dict[str, Any] = json.loads((folder / "inventory.json").read_text(encoding="utf-8"))
        self._reservation_days = pq.read_table(folder / "reservation_days.parquet").to_pylist()
        self.subscriptions = {item["id"]: item for item in self.inventory["subscriptions"]}

    def list_subscriptions(self) -> Reply:
        """All subscriptions with their tags."""
        return Reply(200, {"value": [self._subscription(key) for key in self.subscriptions]})

    def get_subscription(self, subscription: str) -> Reply:
        """One subscription with its tags."""
        return Reply(200, self._subscription(subscription.lower()))

    def settings(self, scope: str) -> Reply:
        """The cost settings of a scope: tag inheritance where it is switched on."""
        parts = scope.strip("/").split("/")
        item = self.subscriptions.get(parts[1].lower()) if parts[0].lower() == "subscriptions" else None
        setting = {
            "id": f"{scope}/providers/Microsoft.CostManagement/settings/taginheritance",
            "name": "taginheritance",
            "type": "Microsoft.CostManagement/settings",
            "kind": "taginheritance",
            "properties": {"preferContainerTags": False},
        }
        return Reply(200, {"value": [setting] if item is not None and item.get("inherits") else []})

    def tag_names(self, subscription: str) -> Reply:
        """The tag keys in use on the subscription and on what stands in it, spelled as first used."""
        item = self._known(subscription)
        used: dict[str, str] = {key.lower(): key for key in item["tags"]}
        values: dict[str, set[str]] = defaultdict(set)
        for account in self._accounts(subscription):
            for key, value in account["tags"].items():
                used.setdefault(key.lower(), key)
                values[key.lower()].add(value)
        listed = [
            {
                "id": f"/subscriptions/{subscription}/tagNames/{name}",
                "tagName": name,
                "count": {"type": "Total", "value": len(values[key])},
                "values": [{"tagValue": value} for value in sorted(values[key])],
            }
            for key, name in sorted(used.items())
        ]
        return Reply(200, {"value": listed})

    def list_accounts(self, subscription: str) -> Reply:
        """The Cognitive Services accounts of a subscription."""
        self._known(subscription)
        listed = [
            {
                "id": account["id"],
                "name": account["name"],
                "type": "Microsoft.CognitiveServices/accounts",
                "location": account["location"],
                "kind": account["kind"],
                "sku": {"name": "S0"},
                "tags": account["tags"],
                "properties": {
                    "provisioningState": "Succeeded",
                    "endpoint": f"https://{account['name']}.openai.azure.com/",
                },
            }
            for account in self._accounts(subscription)
        ]
        return Reply(200, {"value": listed})

    def list_deployments(self, subscription: str, group: str, name: str) -> Reply:
        """The deployments of an account."""
        account = next((a for a in self._accounts(subscription) if a["name"].lower() == name.lower()), None)
        if account is None or f"/resourcegroups/{group.lower()}/" not in account["id"].lower():
            raise AzureError(
                404, "ResourceNotFound", f"The Resource 'Microsoft.CognitiveServices/accounts/{name}' was not found."
            )
        mine = [item for item in self.inventory["deployments"] if item["account"] == account["name"]]
        return Reply(200, {"value": [_deployment(account, item) for item in mine]})

    def reservation_summaries(self, call: Call, scope: str, now: datetime) -> Reply:
        """Reserved and used PTU hours by reservation and day or month."""
        grain = call.query.get("grain")
        if grain not in ("daily", "monthly"):
            raise bad_request("The grain must be daily or monthly.")
        by_period: dict[tuple[str, str, date], list[Mapping[str, Any]]] = defaultdict(list)
        for row in self._seen_days(call, scope, now):
            period = row["usage_date"].replace(day=1) if grain == "monthly" else row["usage_date"]
            by_period[row["order_id"], row["reservation_id"], period].append(row)
        return _page(call, [reservation_answers.summary(*key, rows) for key, rows in sorted(by_period.items())])

    def reservation_details(self, call: Call, scope: str, now: datetime) -> Reply:
        """Used PTU hours by reservation, day and account."""
        rows = [row for row in self._seen_days(call, scope, now) if row["instance_id"] is not None]
        return _page(call, [reservation_answers.detail(row) for row in rows])

    def list_reservations(self, call: Call, now: datetime) -> Reply:
        """The reservations of the tenant that were bought so far."""
        known = [item for item in self.inventory["reservations"] if date.fromisoformat(item["bought"]) <= now.date()]
        return _page(call, [reservation_answers.reservation(item) for item in known])

    def reservation_transactions(self, call: Call, account: str, profile: str | None, now: datetime) -> Reply:
        """Purchases of reservations, of a billing account or of one of its profiles."""
        self._known_billing_account(account)
        self._known_profile(profile)
        first, last = reservation_answers.event_dates(call.query.get("$filter", ""))
        bought = [
            item
            for item in self.inventory["transactions"]
            if _seen(date.fromisoformat(item["day"]), now) and first <= item["day"] <= last
        ]
        return _page(call, [reservation_answers.transaction(item, self.inventory["currency"]) for item in bought])

    def _seen_days(self, call: Call, scope: str, now: datetime) -> Iterable[Mapping[str, Any]]:
        parts = scope.strip("/").split("/")
        if [part.lower() for part in parts[:3]] == ["providers", "microsoft.billing", "billingaccounts"]:
            self._known_billing_account(parts[3])
            self._known_profile(parts[5] if len(parts) > 5 else None)
        elif [part.lower() for part in parts[:3]] != ["providers", "microsoft.capacity", "reservationorders"]:
            raise bad_request(f"Invalid scope '{scope}'.")
        order = parts[3] if parts[1].lower() == "microsoft.capacity" else call.query.get("reservationOrderId")
        try:
            first, last = (date.fromisoformat(call.query[name][:10]) for name in ("startDate", "endDate"))
        except (KeyError, ValueError) as error:
            raise bad_request("startDate and endDate are needed.") from error
        for row in self._reservation_days:
            if (
                first <= row["usage_date"] <= last
                and _seen(row["usage_date"], now)
                and order in (None, row["order_id"])
            ):
                yield row

    def _known_billing_account(self, account: str) -> None:
        if account != self.inventory["billing_account_id"]:
            raise AzureError(404, "BillingAccountNotFound", f"Billing account '{account}' was not found.")

    def _known_profile(self, profile: str | None) -> None:
        if profile not in (None, BILLING_PROFILE):
            raise AzureError(404, "BillingAccountNotFound", f"Billing profile '{profile}' was not found.")

    def _known(self, subscription: str) -> Mapping[str, Any]:
        item = self.subscriptions.get(subscription.lower())
        if item is None:
            raise AzureError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
        return item

    def _subscription(self, subscription: str) -> dict[str, Any]:
        item = self._known(subscription)
        return {
            "id": f"/subscriptions/{item['id']}",
            "subscriptionId": item["id"],
            "displayName": item["name"],
            "tenantId": self.inventory["tenant_id"],
            "state": "Enabled",
            "tags": item["tags"],
        }

    def _accounts(self, subscription: str) -> list[dict[str, Any]]:
        start = f"/subscriptions/{subscription.lower()}/"
        return [account for account in self.inventory["accounts"] if account["id"].lower().startswith(start)]


def _deployment(account: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "model": {"format": "OpenAI", "name": item["model"], "version": item["version"]},
        "provisioningState": "Succeeded",
        "versionUpgradeOption": "OnceNewDefaultVersionAvailable",
    }
    if item["spillover"]:
        properties["spilloverDeploymentName"] = item["spillover"]
    return {
        "id": f"{account['id']}/deployments/{item['name']}",
        "name": item["name"],
        "type": "Microsoft.CognitiveServices/accounts/deployments",
        "sku": {"name": item["sku"], "capacity": item["capacity"]},
        "tags": item["tags"],
        "properties": properties,
    }


def _seen(day: date, now: datetime) -> bool:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + SEEN_AFTER <= now


def _page(call: Call, items: list[dict[str, Any]]) -> Reply:
    start = int(call.query.get("$skiptoken", "0"))
    body: dict[str, Any] = {"value": items[start : start + PAGE_ITEMS]}
    if start + PAGE_ITEMS < len(items):
        query = {**call.query, "$skiptoken": str(start + PAGE_ITEMS)}
        body["nextLink"] = f"{call.base}{quote(call.path)}?{urlencode(query)}"
    return Reply(200, body)
