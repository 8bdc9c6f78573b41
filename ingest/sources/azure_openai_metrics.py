"""Azure OpenAI's metrics by hour and deployment: tokens, requests by status and spillover, PTU utilisation.

Endpoint: Azure Monitor `metrics:getBatch` of each region, at most fifty accounts a call. With a filter Azure gives ten
series unless told otherwise and says nothing of the rest; here the number is asked for and reaching it is an error.
Azure keeps 93 days. Write mode: one file per subscription and UTC day, replaced whole; each run reads the trailing
three days again (values settle within minutes, the margin is for a missed run) and the days of the backfill that are
not landed. Hours without a sample are absent. Run alone: `inferledger ingest azure_openai`.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from ingest.azure_client import AccountRef, AzureCaller, list_accounts
from ingest.azure_errors import Permission
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import EmptyAnswer, SchemaChanged, TerminalError
from ingest.run import Window, days

SOURCE = "azure_openai"
NAMESPACE = "Microsoft.CognitiveServices/accounts"
TRAILING_DAYS = 3
RETENTION_DAYS = 92
DAYS_PER_CALL = 30
ACCOUNTS_PER_CALL = 50
MOST_SERIES = 1000
TOTALS, SHARES = ("Total",), ("Average", "Maximum", "Minimum")
BY_DEPLOYMENT = "ModelDeploymentName eq '*'"


@dataclass(frozen=True)
class _Question:
    """Metrics that share dimensions and aggregations."""

    names: tuple[str, ...]
    aggregations: tuple[str, ...]
    filter: str


QUESTIONS = (
    _Question(("ProcessedPromptTokens", "GeneratedTokens", "ActiveTokens"), TOTALS, BY_DEPLOYMENT),
    _Question(("AzureOpenAIRequests",), TOTALS, f"{BY_DEPLOYMENT} and StatusCode eq '*' and IsSpillover eq '*'"),
    _Question(("AzureOpenAIProvisionedManagedUtilizationV2",), SHARES, BY_DEPLOYMENT),
)
METRICS_HOURLY = StreamContract(
    SOURCE,
    "metrics_hourly",
    pa.schema(
        [
            ("subscription_id", pa.string()),
            ("resource_id", pa.string()),
            ("region", pa.string()),
            ("metric", pa.string()),
            ("unit", pa.string()),
            ("model_deployment_name", pa.string()),
            ("status_code", pa.string()),
            ("is_spillover", pa.string()),
            ("timestamp", pa.timestamp("us", tz="UTC")),
            ("total", pa.float64()),
            ("average", pa.float64()),
            ("maximum", pa.float64()),
            ("minimum", pa.float64()),
        ]
    ),
    ("resource_id", "metric", "model_deployment_name", "timestamp"),
    empty_ok=True,
)
STREAMS = (METRICS_HOURLY,)
Row = dict[str, Any]


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Land every day that `window` touches, up to the run's last full hour.

    Raises:
        PermissionDenied, CredentialExpired, ConfigError, Unreachable, SchemaChanged: with what to do.
        EmptyAnswer: a subscription with accounts shows no metric at all.
        TransientError: throttled beyond the retry budget.
    """
    config = context.config.azure
    caller = AzureCaller(context.settings, config.tenant_id)
    results: list[LoadResult] = []
    for done, subscription_id in enumerate((sub.id.lower() for sub in config.subscriptions), start=1):
        wanted = _wanted(context, window, subscription_id)
        accounts = list_accounts(caller, subscription_id)
        newest: datetime | None = None
        before_use: list[Window] = []
        for span in _spans(wanted, _full_hour(context.run.as_of)):
            rows = _read(caller, subscription_id, accounts, span)
            if not rows and newest is None:
                before_use.append(span)
                continue
            ends = [row["timestamp"] + timedelta(hours=1) for row in rows]
            newest = max([*ends, *([newest] if newest else [])])
            results += _land(context, subscription_id, span, rows)
        if accounts and newest is None and len(wanted) >= DAYS_PER_CALL:
            since = f"{wanted[0].start:%Y-%m-%d}"
            raise EmptyAnswer(
                f"azure_openai: subscription {subscription_id} has accounts but no metric since {since}.",
                "Grant 'Monitoring Reader' at the subscription, or take the subscription out of sources.yml.",
            )
        # an account may be younger than the backfill; days before its first use are known to be empty
        for span in before_use:
            results += _land(context, subscription_id, span, [])
        message = None if accounts else "The subscription has no Cognitive Services account."
        context.landing.report(SOURCE, subscription_id, newest, message)
        context.progress(SOURCE, done, len(config.subscriptions))
    return results


def _wanted(context: Context, window: Window | None, subscription_id: str) -> list[Window]:
    """The days to read, oldest first."""
    as_of = context.run.as_of
    if window is not None:
        return [day for day in days(window) if day.start < as_of]
    reach = timedelta(days=min(context.config.backfill_days, RETENTION_DAYS))
    recent = set(days(Window(as_of - timedelta(days=TRAILING_DAYS), as_of)))
    landed = set(context.landing.windows(METRICS_HOURLY, subscription_id))
    return [day for day in days(Window(as_of - reach, as_of)) if day in recent or f"{day.start:%Y-%m-%d}" not in landed]


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _spans(wanted: Sequence[Window], end: datetime) -> Iterator[Window]:
    """Runs of consecutive days, none longer than one call may be and none beyond the last full hour."""
    start: Window | None = None
    for place, day in enumerate(wanted):
        start = start or day
        follows = place + 1 < len(wanted) and wanted[place + 1].start == day.end
        if not follows or (day.end - start.start).days >= DAYS_PER_CALL:
            if start.start < end:
                yield Window(start.start, min(day.end, end))
            start = None


def _read(caller: AzureCaller, subscription_id: str, accounts: Sequence[AccountRef], span: Window) -> list[Row]:
    """All metrics of all accounts; a region that answers nothing is asked again before it is believed."""
    regions: dict[str, list[AccountRef]] = defaultdict(list)
    for account in accounts:
        regions[account.location].append(account)
    rows: list[Row] = []
    for region, mine in sorted(regions.items()):
        for first in range(0, len(mine), ACCOUNTS_PER_CALL):
            batch = mine[first : first + ACCOUNTS_PER_CALL]
            for question in QUESTIONS:
                args = (caller, subscription_id, region, batch, question, span)
                rows += _ask(*args) or _ask(*args)
    return rows


def _ask(
    caller: AzureCaller,
    subscription_id: str,
    region: str,
    accounts: Sequence[AccountRef],
    question: _Question,
    span: Window,
) -> list[Row]:
    client = caller.metrics(region)
    what = f"azure_openai metrics {', '.join(question.names)} of {region} for {span}"
    answers = caller.call(
        lambda: client.query_resources(
            resource_ids=[account.resource_id for account in accounts],
            metric_namespace=NAMESPACE,
            metric_names=question.names,
            timespan=(span.start, span.end),
            granularity=timedelta(hours=1),
            aggregations=question.aggregations,
            max_results=MOST_SERIES,
            filter=question.filter,
        ),
        what=what,
        permission=Permission("Monitoring Reader", f"subscription {subscription_id}"),
    )
    rows: list[Row] = []
    for answer in answers:
        for metric in answer.metrics:
            rows += _metric_rows(metric, subscription_id, region, what)
    return rows


def _metric_rows(metric: Any, subscription_id: str, region: str, what: str) -> list[Row]:
    if len(metric.timeseries) >= MOST_SERIES:
        raise TerminalError(
            f"{what}: {metric.name} has {len(metric.timeseries)} series or more, so some may be cut off.",
            "Split the account's deployments over several accounts, or raise MOST_SERIES.",
        )
    rows: list[Row] = []
    for series in metric.timeseries:
        # the service writes dimension names in lower case, whatever case they were asked in
        labels = {name.lower(): value for name, value in series.metadata_values.items()}
        if "modeldeploymentname" not in labels:
            raise SchemaChanged(
                f"{what}: a series of {metric.name} names no deployment.", "See docs/sources/azure_openai.md."
            )
        fixed: Row = {
            "subscription_id": subscription_id,
            "resource_id": str(metric.id).partition("/providers/Microsoft.Insights/")[0],
            "region": region,
            "metric": metric.name,
            "unit": str(metric.unit),
            "model_deployment_name": labels["modeldeploymentname"],
            "status_code": labels.get("statuscode"),
            "is_spillover": labels.get("isspillover"),
        }
        rows += [fixed | values for values in map(_values, series.data) if values is not None]
    return rows


def _values(point: Any) -> Row | None:
    """The values of one hour; None where the hour has no sample."""
    values: Row = {name: getattr(point, name) for name in ("total", "average", "maximum", "minimum")}
    if all(value is None for value in values.values()):
        return None
    return values | {"timestamp": point.timestamp}


def _land(context: Context, subscription_id: str, span: Window, rows: list[Row]) -> list[LoadResult]:
    by_day: dict[datetime, list[Row]] = defaultdict(list)
    for row in rows:
        by_day[row["timestamp"].replace(hour=0)].append(row)
    results: list[LoadResult] = []
    for day in days(span):
        table = pa.Table.from_pylist(by_day.get(day.start, []), schema=METRICS_HOURLY.schema)
        results.append(context.landing.write(METRICS_HOURLY, scope=subscription_id, window=day, batches=[table]))
    return results
