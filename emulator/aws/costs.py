"""Cost Explorer over the bill: `GetCostAndUsage` by day, by service or Bedrock's model, and the tags' status.

Endpoint: JSON by `X-Amz-Target: AWSInsightsIndexService.<operation>`. Amounts are text; a month without invoice is
estimated. Answers come in pages of a few days, so that a client must follow `NextPageToken`.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from emulator.aws import delivery
from emulator.aws.wire import AwsError

TARGET = "AWSInsightsIndexService"
EXPORTS_TARGET = "AWSBillingAndCostManagementDataExports"
DAYS_PER_PAGE = 12
_MODELS_SINCE = date(2026, 9, 1)
_BY_DAY = """
select
    cast(line_item_usage_start_date as date), product['product_name'],
    sum(cast(cast(line_item_unblended_cost as decimal(24, 10)) as decimal(38, 10))), count(bill_invoice_id) < count(*)
from rows
group by all
"""


class Costs:
    """Answers Cost Explorer's requests from the rows below `bill/`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_cost_and_usage(self, wanted: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """One page of daily groups."""
        period = wanted["TimePeriod"]
        first, after = (date.fromisoformat(period[name]) for name in ("Start", "End"))
        group = (wanted.get("GroupBy") or [{}])[0]
        by_model = group.get("Type") == "PRODUCT_ATTRIBUTE"
        if by_model and first < _MODELS_SINCE:
            raise AwsError("DataUnavailableException", f"There is no such data before {_MODELS_SINCE}.", 400)
        start = max(first, date.fromisoformat(wanted["NextPageToken"])) if wanted.get("NextPageToken") else first
        end = min(start + timedelta(days=DAYS_PER_PAGE), after)
        sums, estimated = self._sums(start, end, now, by_model=by_model)
        days = [start + timedelta(days=number) for number in range((end - start).days)]
        answer: dict[str, Any] = {
            "ResultsByTime": [
                {
                    "TimePeriod": {"Start": day.isoformat(), "End": (day + timedelta(days=1)).isoformat()},
                    "Total": {},
                    "Groups": [_group(key, cost) for (on, key), cost in sorted(sums.items()) if on == day],
                    "Estimated": day.strftime("%Y-%m") in estimated,
                }
                for day in days
            ]
        }
        return answer | ({"NextPageToken": end.isoformat()} if end < after else {})

    def _sums(
        self, start: date, end: date, now: datetime, *, by_model: bool
    ) -> tuple[dict[tuple[date, str], Decimal], set[str]]:
        sums: dict[tuple[date, str], Decimal] = {}
        estimated: set[str] = set()
        for path in sorted((self._folder / "bill").glob("*.parquet")):
            if not f"{start:%Y-%m}" <= path.stem <= f"{end:%Y-%m}":
                continue
            for day, name, cost, is_open in _by_day(delivery.rows_at(path, now)):
                if is_open:
                    estimated.add(path.stem)
                if start <= day < end and not (by_model and "Bedrock" not in name):
                    key = day, f"model${name.removesuffix(' (Amazon Bedrock Edition)')}" if by_model else name
                    sums[key] = sums.get(key, Decimal(0)) + cost
        return sums, estimated


def _by_day(rows: pa.Table) -> list[tuple[date, str, Decimal, bool]]:
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        return connection.execute(_BY_DAY).fetchall()


def list_cost_allocation_tags() -> dict[str, Any]:
    """The tags of the demo organisation: three are active, one was forgotten."""
    keys = {"team": "Active", "product": "Active", "environment": "Active", "cost-center": "Inactive"}
    return {"CostAllocationTags": [{"TagKey": key, "Type": "UserDefined", "Status": keys[key]} for key in keys]}


def data_exports(operation: str, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """The Data Exports API's word on the demo's one export; None for an operation that it does not know."""
    arn = "arn:aws:bcm-data-exports:us-east-1:100000000001:export/inferledger-cur2-7f31"
    if operation == "ListExports":
        status = {"StatusCode": "HEALTHY"}
        return {"Exports": [{"ExportArn": arn, "ExportName": "inferledger-cur2", "ExportStatus": status}]}
    if operation == "ListExecutions" and wanted.get("ExportArn") == arn:
        return {"Executions": [{"ExecutionId": "e-1", "ExecutionStatus": {"StatusCode": "DELIVERY_SUCCESS"}}]}
    return None


def _group(key: str, cost: Decimal) -> dict[str, Any]:
    return {"Keys": [key], "Metrics": {"UnblendedCost": {"Amount": format(cost, "f"), "Unit": "USD"}}}
