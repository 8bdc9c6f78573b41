"""Bedrock's usage by hour from CloudWatch: tokens, invocations, throttles, errors and latency per `ModelId`.

Endpoints: CloudWatch `ListMetrics` and `GetMetricData` (namespace AWS/Bedrock), per account and region. `ModelId` is
the bare id of an application profile, the id of a system profile or model, or the ARN of a provisioned model. Only
series whose dimension set is exactly {ModelId} are asked for: others repeat the same calls.
ListMetrics shows what was written to in the last two weeks. A span within that time therefore asks only for what it
shows; an older one asks besides for the counters of every id that the inventory, the bill or an earlier run knows. An
id that is new is read back over the whole backfill, alone.
A load is one account and UTC day, replaced whole: the points that were asked for, and what is landed of series that
were not. Runs re-read the trailing 3 days, because points older than a day may take two days to become readable, and
everything since the last run. Run alone: `inferledger ingest aws_bedrock`.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, cast

import pyarrow as pa
import pyarrow.compute as pc

from ingest.aws_client import AwsClients
from ingest.aws_cloudwatch import RETENTION_DAYS, Metric, Series, Spent, calls, read_call, segments
from ingest.config_aws import AwsAccount
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import SchemaChanged
from ingest.run import Window, day_start, days
from ingest.sources.aws_bedrock import INFERENCE_PROFILES, PROVISIONED_THROUGHPUTS
from ingest.sources.aws_bedrock_points import METRICS_HOURLY, METRICS_MINUTELY, Pull, merge, table_of

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

logger = logging.getLogger(__name__)
SOURCE = "aws_bedrock"
NAMESPACE = "AWS/Bedrock"
MANTLE_NAMESPACE = "AWS/BedrockMantle"
HOUR_S = 3600
MINUTE_S = 60
REREAD_DAYS = 3
# two days less than the two weeks after which ListMetrics forgets a silent series
LISTED_DAYS = 12
# asked for every known id when a span is older than that; a series that does not exist has no point and no error
COUNTERS = (
    "Invocations",
    "InputTokenCount",
    "OutputTokenCount",
    "CacheReadInputTokenCount",
    "CacheWriteInputTokenCount",
    "InvocationThrottles",
    "InvocationClientErrors",
    "InvocationServerErrors",
)
# names that the user guide writes; read only where ListMetrics shows them, like all below
OTHER_COUNTERS = ("CacheReadInputTokens", "CacheWriteInputTokens")
# sum and count give the exact mean of any span; statistics of one metric are priced once
LATENCIES = ("InvocationLatency", "TimeToFirstToken")
LATENCY_STATISTICS = ("Sum", "SampleCount", "p90")
EXTRA_STATISTICS = {"EstimatedTPMQuotaUsage": ("Maximum",), "OutputImageCount": ("Sum",)}
STREAMS = (METRICS_HOURLY, METRICS_MINUTELY)

Place = tuple[str, str]
"""Region and ModelId."""


@dataclass(frozen=True)
class _Task:
    """Ids to read over a span for a stream; `kind` narrows the metrics."""

    contract: StreamContract
    places: set[Place]
    span: Window
    kind: Literal["counters", "latencies"] | None = None


@dataclass
class _Account:
    """What is known of one account while it is read."""

    account: AwsAccount
    state: Mapping[str, Any]
    listed: dict[str, set[Series]]
    ids: set[Place]
    spent: Spent = field(default_factory=Spent)

    @property
    def seen(self) -> set[Place]:
        """The ids that earlier runs have read back over the whole backfill."""
        return {(region, model_id) for region, model_id in self.state.get("ids", [])}


def load(context: Context, window: Window | None) -> list[LoadResult]:
    """Read `window` (None: the backfill, then the trailing days) for every account.

    Raises:
        TransientError: a series stayed incomplete; nothing of that account is replaced.
        PermissionDenied, CredentialExpired, Unreachable, ConfigError: as AWS answered, with what to do.
    """
    clients = AwsClients(context.settings)
    accounts = context.config.aws.accounts
    results: list[LoadResult] = []
    for number, account in enumerate(accounts):
        context.progress("aws_bedrock metrics", number, len(accounts))
        results += _load_account(context, clients, account, window)
    context.progress("aws_bedrock metrics", len(accounts), len(accounts))
    return results


def _load_account(
    context: Context, clients: AwsClients, account: AwsAccount, window: Window | None
) -> list[LoadResult]:
    state = context.landing.read_state(SOURCE, f"metrics-{account.id}")
    regions = context.config.aws.regions
    statistics = _statistics(context)
    listed = {region: listed_series(clients, account, region, statistics) for region in regions}
    ids = _known_ids(context, account) | {
        (region, series.metric.dimensions[0][1]) for region, found in listed.items() for series in found
    }
    ids |= {(region, model_id) for region, model_id in state.get("ids", []) if region in listed}
    reading = _Account(account, state, listed, ids)
    pulls = [_pull(context, clients, reading, task) for task in _plan(context, reading, window)]
    # everything is read before anything is replaced
    results = [result for pull in pulls for result in merge(context.landing, account.id, pull)]
    hours = [pull.fresh for pull in pulls if pull.contract is METRICS_HOURLY]
    _remember(context, reading, window, pa.concat_tables(hours))
    return results


def _pull(context: Context, clients: AwsClients, reading: _Account, task: _Task) -> Pull:
    """Read what a task wants in every region."""
    as_of = context.run.as_of
    asked: set[tuple[str, str, str]] = set()
    tables = [task.contract.schema.empty_table()]
    for region in context.config.aws.regions:
        wanted = _wanted(reading, region, task, as_of)
        asked |= {(region, series.metric.dimensions[0][1], series.metric.name) for series in wanted}
        for part, period_s in segments(task.span, as_of, HOUR_S if task.contract is METRICS_HOURLY else MINUTE_S):
            tables += _read(clients, reading, region, wanted, part, period_s)
    return Pull(task.contract, list(days(task.span)), pa.concat_tables(tables), asked)


def _plan(context: Context, reading: _Account, window: Window | None) -> Iterator[_Task]:
    """Which ids are read over which span."""
    as_of = context.run.as_of
    oldest = day_start((as_of - timedelta(days=min(context.config.backfill_days, RETENTION_DAYS[HOUR_S]))).date())
    earlier = _moment(reading.state.get("loaded_to"))
    if window is not None:
        yield from _tasks(context, reading.ids, window, is_asked=True)
    elif earlier is None:
        yield from _tasks(context, reading.ids, Window(oldest, as_of))
    else:
        known = reading.ids & reading.seen
        first = max(oldest, day_start((min(earlier, as_of) - timedelta(days=REREAD_DAYS)).date()))
        yield from _tasks(context, known, Window(first, as_of))
        if reading.ids - known:
            yield from _tasks(context, reading.ids - known, Window(oldest, as_of))


def _tasks(context: Context, places: set[Place], span: Window, *, is_asked: bool = False) -> Iterator[_Task]:
    """The tasks of one span: latency tells of the present and is not read back far, minutes only where switched on."""
    recent = day_start((context.run.as_of - timedelta(days=LISTED_DAYS)).date())
    if is_asked or span.start >= recent:
        yield _Task(METRICS_HOURLY, places, span)
    else:
        yield _Task(METRICS_HOURLY, places, span, kind="counters")
        if context.config.aws.latency_metrics:
            yield _Task(METRICS_HOURLY, places, Window(recent, span.end), kind="latencies")
    provisioned = {place for place in places if ":provisioned-model/" in place[1]}
    if context.config.aws.provisioned_minutes and provisioned:
        start = span.start if is_asked else max(span.start, recent)
        yield _Task(METRICS_MINUTELY, provisioned, Window(start, span.end), kind="counters")


def _wanted(reading: _Account, region: str, task: _Task, as_of: datetime) -> set[Series]:
    """The series that can have a point in the task's span."""
    here = {model_id for place, model_id in task.places if place == region}
    wanted = {series for series in reading.listed[region] if series.metric.dimensions[0][1] in here}
    if task.span.start < as_of - timedelta(days=LISTED_DAYS + 1):
        wanted |= {Series(_metric(model_id, name)) for model_id in here for name in COUNTERS}
    if task.kind is None:
        return wanted
    return {series for series in wanted if (series.metric.name in LATENCIES) == (task.kind == "latencies")}


def _metric(model_id: str, name: str) -> Metric:
    return Metric(NAMESPACE, name, (("ModelId", model_id),))


def _read(
    clients: AwsClients, reading: _Account, region: str, wanted: set[Series], span: Window, period_s: int
) -> list[pa.Table]:
    account = reading.account
    where = f"CloudWatch data of {account.name} ({account.id}) in {region}"

    def read_batch(batch: list[Series]) -> pa.Table:
        client = clients.cloudwatch(account, region)
        points = read_call(client, batch, span, period_s, where=where, spent=reading.spent)
        return table_of(account.id, region, list(points))

    read = clients.calling(where, "cloudwatch:GetMetricData")(read_batch)
    return [read(batch) for batch in calls(wanted, span, period_s)]


def _remember(context: Context, reading: _Account, window: Window | None, fresh: pa.Table) -> None:
    """Keep how far this account is read, and what the reading cost; a window that was asked for moves nothing on."""
    account, state, spent = reading.account, reading.state, reading.spent
    newest: Any = pc.max(fresh["timestamp"]).as_py()
    watermark = max(
        filter(None, [newest and newest + timedelta(hours=1), _moment(state.get("watermark"))]), default=None
    )
    loaded_to = state.get("loaded_to") if window is not None else context.run.as_of.isoformat()
    ids = sorted(reading.seen if window is not None else reading.ids)
    kept = {
        "ids": ids,
        "loaded_to": loaded_to,
        "watermark": watermark.isoformat() if watermark else None,
        "last_calls": spent.calls,
        "last_metrics": spent.metrics,
        "last_usd": str(spent.usd),
    }
    context.landing.write_state(SOURCE, f"metrics-{account.id}", kept)
    context.landing.report(SOURCE, account.id, watermark)
    logger.info(
        "read CloudWatch",
        extra={"account": account.id, "calls": spent.calls, "metrics": spent.metrics, "usd": str(spent.usd)},
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _known_ids(context: Context, account: AwsAccount) -> set[Place]:
    """Region and ModelId of everything that the inventory or the bill ever showed in this account."""
    profiles = context.landing.read(INFERENCE_PROFILES, scope=account.id)
    own = profiles.filter(pc.field("type") == "APPLICATION").select(["region", "inferenceProfileId"])
    models = context.landing.read(PROVISIONED_THROUGHPUTS, scope=account.id)
    ids = {(row["region"], row["inferenceProfileId"]) for row in own.to_pylist()}
    ids |= {(row["region"], row["provisionedModelArn"]) for row in models.to_pylist()}
    ids |= {
        (region, model_id)
        for region, model_id in context.landing.read_state("aws_cur", "workloads").get(account.id, [])
    }
    return {(region, model_id) for region, model_id in ids if region in context.config.aws.regions}


def _statistics(context: Context) -> dict[str, tuple[str, ...]]:
    """The metrics to read where ListMetrics shows them, each with the statistics that suit it."""
    section = context.config.aws
    statistics: dict[str, tuple[str, ...]] = dict.fromkeys(COUNTERS + OTHER_COUNTERS, ("Sum",))
    if section.latency_metrics:
        statistics |= dict.fromkeys(LATENCIES, LATENCY_STATISTICS)
    return statistics | {name: EXTRA_STATISTICS[name] for name in section.extra_metrics}


def listed_series(
    clients: AwsClients, account: AwsAccount, region: str, statistics: Mapping[str, tuple[str, ...]]
) -> set[Series]:
    """The series of the last two weeks whose only dimension is ModelId, of the metrics that have `statistics`."""
    found: set[Series] = set()
    for metric in listed_metrics(clients, account, region, NAMESPACE):
        name, dimensions = metric.get("MetricName", ""), metric.get("Dimensions", [])
        if name in statistics and [one["Name"] for one in dimensions] == ["ModelId"]:
            found.add(Series(_metric(dimensions[0]["Value"], name), statistics[name]))
    return found


def listed_metrics(
    clients: AwsClients, account: AwsAccount, region: str, namespace: str
) -> Iterator[Mapping[str, Any]]:
    """Every metric of a namespace that ListMetrics shows, all its pages."""
    where = f"CloudWatch metrics of {account.name} ({account.id}) in {region}"
    client: CloudWatchClient = clients.cloudwatch(account, region)
    list_page = clients.calling(where, "cloudwatch:ListMetrics")(client.list_metrics)
    token: dict[str, Any] = {}
    while True:
        page = cast(Mapping[str, Any], list_page(Namespace=namespace, **token))
        if "Metrics" not in page:
            raise SchemaChanged(f"{where}: the answer has no Metrics.", "Update boto3; the API may have changed.")
        yield from page["Metrics"]
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}
