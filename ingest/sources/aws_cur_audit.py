"""Cost Explorer's own sums beside the bill: what the payer spent by day and service, and Bedrock by model.

Endpoint: `ce:GetCostAndUsage` in us-east-1, day by day, grouped by service and, from 2026-09-01 on, by the model that
only Bedrock has; the stop rule is an answer without `NextPageToken`. A load is one month, replaced whole. Each request
costs USD 0.01, so it is off unless `cost_explorer: true` stands in sources.yml; months that are complete and known are
not asked again. Amounts are text, as Cost Explorer gives them. It is an audit: no mart adds it to the bill.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from ingest.aws_client import AwsClients
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import SchemaChanged
from ingest.run import Window, months
from ingest.sources.aws_cur_schema import SOURCE

logger = logging.getLogger(__name__)
USD_PER_REQUEST = Decimal("0.01")
MODELS_SINCE = datetime(2026, 9, 1, tzinfo=UTC)
# a month can still move for two weeks after its end
SETTLED_AFTER = timedelta(days=15)
_TEXT = pa.string()
CONTRACT = StreamContract(
    SOURCE,
    "cost_explorer",
    pa.schema(
        [
            ("payer_account_id", _TEXT),
            ("grouped_by", _TEXT),
            ("key", _TEXT),
            ("start", pa.date32()),
            ("amount", _TEXT),
            ("unit", _TEXT),
            ("estimated", pa.bool_()),
        ]
    ),
    required=("payer_account_id", "grouped_by", "key", "start", "amount", "unit"),
    empty_ok=True,
    may_shrink=True,
)
_GROUPS: dict[str, dict[str, str]] = {
    "service": {"Type": "DIMENSION", "Key": "SERVICE"},
    "model": {"Type": "PRODUCT_ATTRIBUTE", "Key": "model"},
}


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Ask for the months of `window` (None: of the backfill, those that are settled and landed left out).

    Raises:
        PermissionDenied, CredentialExpired, Unreachable, TransientError: as AWS answered.
        SchemaChanged: an answer has no amounts.
    """
    if not context.config.aws.cost_explorer:
        return []
    as_of = context.run.as_of
    clients, payer = AwsClients(context.settings), context.config.aws.payer_account_id
    known = context.landing.windows(CONTRACT, payer)
    results: list[LoadResult] = []
    requests = 0
    for month in months(window or Window(as_of - timedelta(days=context.config.backfill_days), as_of)):
        is_settled = month.end + SETTLED_AFTER < as_of and f"{month.start:%Y-%m-%d}" in known
        if month.start >= as_of or (window is None and is_settled):
            continue
        rows: list[dict[str, Any]] = []
        for name in _GROUPS:
            if name == "model" and month.start < MODELS_SINCE:
                continue
            for page in _pages(clients, name, month, as_of):
                requests += 1
                rows += _rows(page, name, payer)
        table = pa.Table.from_pylist(rows, schema=CONTRACT.schema)
        results.append(context.landing.write(CONTRACT, scope=payer, window=month, batches=[table]))
    usd = str(requests * USD_PER_REQUEST)
    context.landing.write_state(SOURCE, "cost_explorer", {"requests": requests, "usd": usd})
    logger.info("asked Cost Explorer", extra={"requests": requests, "usd": usd})
    return results


def _pages(clients: AwsClients, name: str, month: Window, as_of: datetime) -> Iterator[dict[str, Any]]:
    ask = clients.calling("Cost Explorer", "ce:GetCostAndUsage")(clients.cost_explorer().get_cost_and_usage)
    today = as_of.date() + timedelta(days=1)
    token: dict[str, str] = {}
    while True:
        page: dict[str, Any] = ask(
            TimePeriod={"Start": f"{month.start:%Y-%m-%d}", "End": f"{min(month.end.date(), today):%Y-%m-%d}"},
            Granularity="DAILY",
            Metrics=["UnblendedCost"],
            GroupBy=[_GROUPS[name]],
            **token,
        )
        yield page
        if not page.get("NextPageToken"):
            return
        token = {"NextPageToken": page["NextPageToken"]}


def _rows(page: dict[str, Any], name: str, payer: str) -> Iterator[dict[str, Any]]:
    try:
        for day in page["ResultsByTime"]:
            for group in day["Groups"]:
                cost = group["Metrics"]["UnblendedCost"]
                yield {
                    "payer_account_id": payer,
                    "grouped_by": name,
                    "key": group["Keys"][0].removeprefix("model$"),
                    "start": date.fromisoformat(day["TimePeriod"]["Start"][:10]),
                    "amount": cost["Amount"],
                    "unit": cost["Unit"],
                    "estimated": day.get("Estimated"),
                }
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise SchemaChanged(
            f"Cost Explorer answered without days, groups or amounts ({error!r}).", "Run again; else leave it off."
        ) from error
