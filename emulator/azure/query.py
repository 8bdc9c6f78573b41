"""Cost Management's query: aggregates of the cost rows that are visible at the clock's time."""

import base64
import json
import re
import threading
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb

from emulator.azure.wire import AzureError, Call, Reply, bad_request
from emulator.faults import Fault

PAGE_ROWS = 5000
API_VERSION = "2025-03-01"
TYPES = {"ActualCost": "ActualCost", "AmortizedCost": "AmortizedCost", "Usage": "ActualCost"}
DIMENSIONS = {
    "resourceid": "resource_id",
    "resourcegroup": "resource_group",
    "resourcegroupname": "resource_group",
    "resourcelocation": "location",
    "servicename": "meter_category",
    "metercategory": "meter_category",
    "servicetier": "meter_subcategory",
    "metersubcategory": "meter_subcategory",
    "meter": "meter",
    "unitofmeasure": "unit",
    "subscriptionid": "subscription_id",
    "chargetype": "charge_type",
    "pricingmodel": "pricing_model",
    "reservationid": "reservation_id",
    "consumedservice": "consumed_service",
    "publishertype": "publisher_type",
}
MEASURES = {"cost": "cost", "pretaxcost": "cost", "costusd": "cost", "usagequantity": "quantity"}
LARGEST_AGGREGATION = 2
# the API's own words allow two; it answers more
LARGEST_GROUPING = 100
RESTATED_BY = Decimal("1.01")


class CostQueries:
    """Answers queries from `cost_rows.parquet`; `currency` is the billing account's."""

    def __init__(self, folder: Path, billing_account_id: str, currency: str, subscriptions: frozenset[str]) -> None:
        self._billing_account_id = billing_account_id
        self._currency = currency
        self._subscriptions = subscriptions
        self._lock = threading.Lock()
        self._database = duckdb.connect(config={"threads": "1", "memory_limit": "384MB"})
        path = str(folder / "cost_rows.parquet").replace("'", "''")
        self._database.execute(f"create view cost_rows as select * from read_parquet('{path}')")

    def close(self) -> None:
        """Free the database."""
        self._database.close()

    def cost_in_qpu(self, body: Mapping[str, Any], now: datetime) -> int:
        """Units that a query takes: one for each month of data that it touches."""
        first, last = _span(body, now)
        return (last.year - first.year) * 12 + last.month - first.month + 1

    def answer(self, call: Call, scope: str, now: datetime, fault: Fault | None) -> Reply:
        """One page of 5000 rows, with an absolute nextLink that wants the same body; 204 when there is no row."""
        body = call.json
        condition, values = self._scope(scope)
        columns, statement, parameters = self._statement(body, now, condition, values, fault)
        offset = _offset(call.query.get("$skiptoken"))
        with self._lock:
            rows = self._database.execute(f"{statement} limit {PAGE_ROWS + 1} offset {offset}", parameters).fetchall()
        if not rows and not offset:
            return Reply(204)
        properties: dict[str, Any] = {
            "nextLink": None,
            "columns": columns,
            "rows": [_plain(row) for row in rows[:PAGE_ROWS]],
        }
        if len(rows) > PAGE_ROWS:
            properties["nextLink"] = _next_link(call, offset + PAGE_ROWS)
        if fault is not None and fault.kind == "wrong_schema":
            columns[0]["name"] = f"{columns[0]['name']}InBillingCurrency"
        identity = f"{scope}/providers/Microsoft.CostManagement/query/inferledger"
        return Reply(
            200,
            {"id": identity, "name": "inferledger", "type": "Microsoft.CostManagement/query", "properties": properties},
        )

    def _scope(self, scope: str) -> tuple[str, list[Any]]:
        account = re.fullmatch(r"/?providers/Microsoft\.Billing/billingAccounts/([^/]+)/?", scope, re.I)
        if account:
            if account[1] != self._billing_account_id:
                raise AzureError(404, "BillingAccountNotFound", f"Billing account '{account[1]}' was not found.")
            return "true", []
        profile = re.fullmatch(
            r"/?providers/Microsoft\.Billing/billingAccounts/([^/]+)/billingProfiles/([^/]+)/?", scope, re.I
        )
        if profile and profile[1] == self._billing_account_id:
            return "true", []
        if re.fullmatch(r"/?providers/Microsoft\.Management/managementGroups/([^/]+)/?", scope, re.I):
            # the one group of the tenant holds all its subscriptions
            return "subscription_id <> ''", []
        subscription = re.fullmatch(r"/?subscriptions/([^/]+)(?:/resourceGroups/([^/]+))?/?", scope, re.I)
        if not subscription:
            raise bad_request(f"Invalid scope '{scope}'.")
        if subscription[1].lower() not in self._subscriptions:
            raise AzureError(404, "SubscriptionNotFound", f"The subscription '{subscription[1]}' could not be found.")
        if subscription[2]:
            return "subscription_id = ? and lower(resource_group) = lower(?)", [
                subscription[1].lower(),
                subscription[2],
            ]
        return "subscription_id = ?", [subscription[1].lower()]

    def _statement(
        self, body: Mapping[str, Any], now: datetime, condition: str, values: list[Any], fault: Fault | None
    ) -> tuple[list[dict[str, str]], str, list[Any]]:
        kind = body.get("type")
        if kind not in TYPES:
            raise bad_request(f"Invalid query definition: type '{kind}'; valid values: {', '.join(TYPES)}.")
        dataset = body.get("dataset") or {}
        columns, selected, grouped = self._columns(dataset)
        first, last = _span(body, now)
        where = [
            condition,
            "metric = ?",
            "usage_date between ? and ?",
            "visible_from <= ?",
            "coalesce(visible_to > ?, true)",
        ]
        parameters = [*values, TYPES[kind], first, last, now, now]
        if dataset.get("filter"):
            where.append(_filter(dataset["filter"], parameters))
        source = "cost_rows"
        if fault is not None and fault.kind in ("late_day", "restated_day"):
            newest = "(select max(usage_date) from cost_rows where visible_from <= $now and charge_type = 'Usage')"
            newest = newest.replace("$now", f"timestamptz '{now.isoformat()}'")
            if fault.kind == "late_day":
                where.append(f"usage_date <> {newest}")
            else:
                dearer = f"cast(if(usage_date = {newest}, cost * {RESTATED_BY}, cost) as decimal(28, 8)) as cost"
                source = f"(select * replace ({dearer}) from cost_rows)"
        statement = f"select {', '.join(selected)} from {source} where {' and '.join(where)}"
        if grouped:
            statement += f" group by {', '.join(grouped)} order by {', '.join(grouped)}"
        return columns, statement, parameters

    def _columns(self, dataset: Mapping[str, Any]) -> tuple[list[dict[str, str]], list[str], list[str]]:
        """Names and types of the answer, the expressions behind them, and those to group by."""
        aggregation = dataset.get("aggregation") or {}
        if not 1 <= len(aggregation) <= LARGEST_AGGREGATION:
            raise bad_request(f"Invalid dataset aggregation; 1 to {LARGEST_AGGREGATION} are allowed.")
        columns, selected, grouped = [], [], []
        for wanted in aggregation.values():
            measure = MEASURES.get(str(wanted.get("name", "")).lower())
            if measure is None or wanted.get("function") != "Sum":
                raise bad_request(
                    f"Invalid dataset aggregation: '{wanted.get('name')}'; valid values: {', '.join(MEASURES)}."
                )
            columns.append({"name": wanted["name"], "type": "Number"})
            selected.append(f"sum({measure})")
        periods = {
            "Daily": ("UsageDate", "Number", "cast(strftime(usage_date, '%Y%m%d') as integer)"),
            "Monthly": ("BillingMonth", "Datetime", "strftime(date_trunc('month', usage_date), '%Y-%m-%dT00:00:00')"),
        }
        granularity = dataset.get("granularity") or "None"
        if granularity not in (*periods, "None"):
            raise bad_request(f"Invalid dataset granularity '{granularity}'; valid values: Daily, Monthly.")
        if granularity in periods:
            name, kind, expression = periods[granularity]
            columns.append({"name": name, "type": kind})
            grouped.append(expression)
        if len(dataset.get("grouping") or []) > LARGEST_GROUPING:
            raise bad_request(f"Invalid dataset grouping; at most {LARGEST_GROUPING} are allowed.")
        for wanted in dataset.get("grouping") or []:
            for name, expression in _grouping(wanted):
                columns.append({"name": name, "type": "String"})
                grouped.append(expression)
        columns.append({"name": "Currency", "type": "String"})
        return columns, [*selected, *grouped, f"'{self._currency}'"], grouped


def _grouping(wanted: Mapping[str, Any]) -> list[tuple[str, str]]:
    name = str(wanted.get("name", ""))
    if wanted.get("type") == "TagKey":
        key = _literal(name)
        # tag names are case-insensitive to Azure
        entries = "map_entries(cast(cast(tags as json) as map(varchar, varchar)))"
        found = f"list_filter({entries}, lambda e: lower(e.key) = lower({key}))[1]"
        return [("TagKey", f"if({found} is null, null, {key})"), ("TagValue", f"({found}).value")]
    if wanted.get("type") != "Dimension":
        raise bad_request(f"Invalid dataset grouping type '{wanted.get('type')}'; valid values: Dimension, TagKey.")
    column = DIMENSIONS.get(name.lower())
    if column is None:
        raise bad_request(f"Invalid dataset grouping: '{name}'; valid values: {', '.join(sorted(DIMENSIONS))}.")
    return [(name, column)]


def _filter(wanted: Mapping[str, Any], parameters: list[Any]) -> str:
    """A condition from a filter of `and`, `or` and `dimensions`, its values appended to the parameters."""
    for word in ("and", "or"):
        if word in wanted:
            return "(" + f" {word} ".join(_filter(part, parameters) for part in wanted[word]) + ")"
    chosen = wanted.get("dimensions")
    if not chosen or chosen.get("operator") != "In":
        raise bad_request("Invalid dataset filter; a dimension with the operator In is expected.")
    column = DIMENSIONS.get(str(chosen.get("name", "")).lower())
    if column is None:
        raise bad_request(f"Invalid dataset filter dimension '{chosen.get('name')}'.")
    parameters.append([str(value).lower() for value in chosen["values"]])
    return f"list_contains(?, lower({column}))"


def _span(body: Mapping[str, Any], now: datetime) -> tuple[date, date]:
    """First and last day of the query, both included."""
    timeframe, period = body.get("timeframe"), body.get("timePeriod")
    if timeframe != "Custom":
        if period:
            raise bad_request("Invalid query definition: timePeriod needs the timeframe Custom.")
        month = now.date().replace(day=1)
        if timeframe in ("MonthToDate", "BillingMonthToDate"):
            return month, now.date()
        if timeframe in ("TheLastMonth", "TheLastBillingMonth"):
            last = month - timedelta(days=1)
            return last.replace(day=1), last
        raise bad_request(f"Invalid query definition: timeframe '{timeframe}'.")
    try:
        first, last = (datetime.fromisoformat((period or {})[name]).date() for name in ("from", "to"))
    except (TypeError, KeyError, ValueError) as error:
        raise bad_request("Invalid query definition: timePeriod needs from and to.") from error
    if last < first:
        raise bad_request("Invalid query definition: timePeriod ends before it starts.")
    return first, last


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _plain(row: tuple[Any, ...]) -> list[Any]:
    # Azure sends numbers as doubles; amounts here have few enough digits for a double to carry them
    return [float(value) if isinstance(value, Decimal) else value for value in row]


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(json.loads(base64.b64decode(token, validate=True))["offset"])
    except (ValueError, KeyError) as error:
        raise bad_request("Invalid skiptoken.") from error


def _next_link(call: Call, offset: int) -> str:
    # the padding puts + and / into some tokens, as Azure's have
    token = base64.b64encode(json.dumps({"offset": offset, "mark": "~?>\u00ff"}, ensure_ascii=False).encode()).decode()
    version = call.query.get("api-version", API_VERSION)
    return f"{call.base}{quote(call.path)}?api-version={version}&$skiptoken={quote(token, safe='')}"
