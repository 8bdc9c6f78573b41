"""Bedrock's usage by hour from CloudWatch: tokens, invocations, throttles and errors per `ModelId`.

Endpoints: CloudWatch `ListMetrics` and `GetMetricData` (namespace AWS/Bedrock, Period 3600, Sum), per account and
region; paged until there is no NextToken. `ModelId` is the bare id of an application profile, the id of a system
profile or model, or the ARN of a provisioned model. Only series whose dimension set is exactly {ModelId} are asked
for: others repeat the same calls.
ListMetrics forgets a series after two silent weeks, so the ids it shows are united with those of the inventory, of
earlier runs and of the bill. An id seen for the first time makes the whole backfill be read again.
A load is one account and UTC day, replaced whole. Later runs re-read the trailing 3 days, because points older than a
day may take two days to become readable, and everything since the last run where that was longer ago.
Run alone: `inferledger ingest aws_bedrock`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from ingest.aws_client import AwsClients
from ingest.config_aws import AwsAccount
from ingest.contracts import Context, LoadResult, StreamContract
from ingest.errors import PermissionDenied, SchemaChanged, TransientError
from ingest.run import Window, day_start, days
from ingest.sources.aws_bedrock import INFERENCE_PROFILES, PROVISIONED_THROUGHPUTS

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

SOURCE = "aws_bedrock"
NAMESPACE = "AWS/Bedrock"
PERIOD_S = 3600
QUERIES_PER_CALL = 500
RETENTION_DAYS = 455
REREAD_DAYS = 3
# asked for every known id; CloudWatch answers a series that does not exist with no point and no error
CORE_METRICS = (
    "Invocations",
    "InputTokenCount",
    "OutputTokenCount",
    "CacheReadInputTokenCount",
    "CacheWriteInputTokenCount",
    "InvocationThrottles",
    "InvocationClientErrors",
    "InvocationServerErrors",
)
# names that the user guide writes; read only where ListMetrics shows them
OTHER_METRICS = ("CacheReadInputTokens", "CacheWriteInputTokens")
_MOMENT = pa.timestamp("us", tz="UTC")
METRICS_HOURLY = StreamContract(
    SOURCE,
    "metrics_hourly",
    pa.schema(
        [
            pa.field("account_id", pa.string()),
            pa.field("region", pa.string()),
            pa.field("model_id", pa.string()),
            pa.field("metric", pa.string()),
            pa.field("timestamp", _MOMENT),
            pa.field("value", pa.float64()),
        ]
    ),
    required=("account_id", "region", "model_id", "metric", "timestamp", "value"),
    empty_ok=True,
)
STREAMS = (METRICS_HOURLY,)


@dataclass(frozen=True)
class Series:
    """One metric of one id in one region; its dimension set is exactly {ModelId}."""

    region: str
    model_id: str
    metric: str


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
    known = _known_ids(context, account)
    listed: dict[str, set[Series]] = {}
    for region in context.config.aws.regions:
        listed[region] = _listed(clients, clients.cloudwatch(account, region), account, region)
    ids = known | {(one.region, one.model_id) for series in listed.values() for one in series}
    ids |= {(region, model_id) for region, model_id in state.get("ids", []) if region in listed}
    is_new = not {f"{region} {model_id}" for region, model_id in ids} <= {" ".join(one) for one in state.get("ids", [])}
    span = window or _default_window(context, None if is_new else state.get("loaded_to"))
    tables: list[pa.Table] = []
    for region, shown in listed.items():
        wanted = {
            Series(region, model_id, metric) for place, model_id in ids if place == region for metric in CORE_METRICS
        }
        client = clients.cloudwatch(account, region)
        tables += _read(clients, client, account, sorted(wanted | shown, key=_order), span)
    points = pa.concat_tables([METRICS_HOURLY.schema.empty_table(), *tables])
    results = [_write_day(context, account, day, points) for day in days(span)]
    newest = pc.max(points["timestamp"]).as_py()
    seen_to = max(
        filter(None, [newest and newest + timedelta(seconds=PERIOD_S), _moment(state.get("watermark"))]), default=None
    )
    loaded_to = max(filter(None, [min(span.end, context.run.as_of), _moment(state.get("loaded_to"))]))
    context.landing.write_state(
        SOURCE,
        f"metrics-{account.id}",
        {
            "ids": sorted(ids),
            "loaded_to": loaded_to.isoformat(),
            "watermark": seen_to.isoformat() if seen_to else None,
        },
    )
    context.landing.report(SOURCE, account.id, seen_to)
    return results


def _default_window(context: Context, loaded_to: str | None) -> Window:
    """The backfill when nothing is known yet, else the trailing days and what lies between them and the last run."""
    as_of = context.run.as_of
    first = as_of - timedelta(days=min(context.config.backfill_days, RETENTION_DAYS))
    earlier = _moment(loaded_to)
    if earlier is not None:
        first = max(first, min(earlier, as_of) - timedelta(days=REREAD_DAYS))
    return Window(day_start(first.date()), as_of)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _order(series: Series) -> tuple[str, str, str]:
    return series.region, series.model_id, series.metric


def _known_ids(context: Context, account: AwsAccount) -> set[tuple[str, str]]:
    """Region and ModelId of everything that the inventory or the bill ever showed in this account."""
    profiles = context.landing.read(INFERENCE_PROFILES, scope=account.id)
    own = profiles.filter(pc.field("type") == "APPLICATION").select(["region", "inferenceProfileId"])
    models = context.landing.read(PROVISIONED_THROUGHPUTS, scope=account.id)
    ids = {(row["region"], row["inferenceProfileId"]) for row in own.to_pylist()}
    ids |= {(row["region"], row["provisionedModelArn"]) for row in models.to_pylist()}
    billed = context.landing.read_state("aws_cur", "workloads").get(account.id, [])
    return ids | {(region, model_id) for region, model_id in billed if region in context.config.aws.regions}


def _listed(clients: AwsClients, client: "CloudWatchClient", account: AwsAccount, region: str) -> set[Series]:
    """The series that were alive in the last two weeks and whose only dimension is ModelId."""
    where = f"CloudWatch metrics of {account.name} ({account.id}) in {region}"
    list_page = clients.calling(where, "cloudwatch:ListMetrics")(client.list_metrics)
    found: set[Series] = set()
    token: dict[str, Any] = {}
    while True:
        page = cast(Mapping[str, Any], list_page(Namespace=NAMESPACE, **token))
        if "Metrics" not in page:
            raise SchemaChanged(f"{where}: the answer has no Metrics.", "Update boto3; the API may have changed.")
        for metric in page["Metrics"]:
            name, dimensions = metric.get("MetricName", ""), metric.get("Dimensions", [])
            if name in CORE_METRICS + OTHER_METRICS and [one["Name"] for one in dimensions] == ["ModelId"]:
                found.add(Series(region, dimensions[0]["Value"], name))
        if not page.get("NextToken"):
            return found
        token = {"NextToken": page["NextToken"]}


def _read(
    clients: AwsClients, client: "CloudWatchClient", account: AwsAccount, series: list[Series], span: Window
) -> list[pa.Table]:
    """The points of `series` within `span`, one table per call of at most 500 queries."""
    where = f"CloudWatch data of {account.name} ({account.id}) in {client.meta.region_name}"

    def read_batch(batch: list[Series]) -> pa.Table:
        return _read_batch(client, account.id, batch, span, where)

    read = clients.calling(where, "cloudwatch:GetMetricData")(read_batch)
    return [read(series[start : start + QUERIES_PER_CALL]) for start in range(0, len(series), QUERIES_PER_CALL)]


def _read_batch(client: "CloudWatchClient", account_id: str, batch: list[Series], span: Window, where: str) -> pa.Table:
    queries = [_query(number, series) for number, series in enumerate(batch)]
    points: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    status: dict[str, str] = {}
    token: dict[str, Any] = {}
    while True:
        page = cast(
            Mapping[str, Any],
            client.get_metric_data(
                MetricDataQueries=cast(Any, queries),
                StartTime=span.start,
                EndTime=span.end,
                ScanBy="TimestampAscending",
                **token,
            ),
        )
        if "MetricDataResults" not in page:
            raise SchemaChanged(
                f"{where}: the answer has no MetricDataResults.", "Update boto3; the API may have changed."
            )
        for result in page["MetricDataResults"]:
            status[result["Id"]] = result["StatusCode"]
            points[result["Id"]] += zip(result["Timestamps"], result["Values"], strict=True)
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    _refuse_incomplete([str(query["Id"]) for query in queries], status, where)
    return _table(account_id, batch, [points[str(query["Id"])] for query in queries])


def _query(number: int, series: Series) -> dict[str, Any]:
    return {
        "Id": f"q{number:04d}",
        "MetricStat": {
            "Metric": {
                "Namespace": NAMESPACE,
                "MetricName": series.metric,
                "Dimensions": [{"Name": "ModelId", "Value": series.model_id}],
            },
            "Period": PERIOD_S,
            "Stat": "Sum",
        },
        "ReturnData": True,
    }


def _refuse_incomplete(ids: Iterable[str], status: Mapping[str, str], where: str) -> None:
    """A series that is not complete on its last page is a failed pull, never a zero."""
    unfinished = {status.get(one, "missing") for one in ids} - {"Complete"}
    if "Forbidden" in unfinished:
        raise PermissionDenied(f"{where}: CloudWatch forbids a metric.", "Grant cloudwatch:GetMetricData.")
    if unfinished:
        raise TransientError(f"{where}: series came back as {', '.join(sorted(unfinished))}.", "Run again later.")


def _table(account_id: str, batch: list[Series], points: list[list[tuple[datetime, float]]]) -> pa.Table:
    rows = [(series, moment, value) for series, found in zip(batch, points, strict=True) for moment, value in found]
    columns = {
        "account_id": [account_id] * len(rows),
        "region": [series.region for series, _, _ in rows],
        "model_id": [series.model_id for series, _, _ in rows],
        "metric": [series.metric for series, _, _ in rows],
        "timestamp": [moment.astimezone(UTC) for _, moment, _ in rows],
        "value": [value for _, _, value in rows],
    }
    return pa.Table.from_pydict(columns, schema=METRICS_HOURLY.schema)


def _write_day(context: Context, account: AwsAccount, day: Window, points: pa.Table) -> LoadResult:
    moment = pc.field("timestamp")
    rows = points.filter((moment >= pa.scalar(day.start, _MOMENT)) & (moment < pa.scalar(day.end, _MOMENT)))
    order = [(name, "ascending") for name in ("region", "model_id", "metric", "timestamp")]
    ordered = cast(Any, rows).sort_by(order)
    return context.landing.write(METRICS_HOURLY, scope=account.id, window=day, batches=[ordered])
