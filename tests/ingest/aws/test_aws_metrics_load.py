from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from ingest.config import SourcesConfig
from ingest.contracts import Context, StreamContract
from ingest.errors import PermissionDenied, SchemaChanged, TransientError
from ingest.run import Window, days
from ingest.sources import aws_bedrock, aws_bedrock_metrics, aws_cur
from ingest.sources.aws_bedrock_points import METRICS_HOURLY, METRICS_MINUTELY, Pull, merge
from tests.emulator.aws.local_aws import AS_OF, DATA, LocalAws
from tests.ingest.aws.conftest import MakeContext

COLUMNS = {
    "InputTokenCount": "input_tokens",
    "OutputTokenCount": "output_tokens",
    "CacheReadInputTokenCount": "cache_read_tokens",
    "CacheWriteInputTokenCount": "cache_write_tokens",
    "Invocations": "request_count",
}


def load_all(context: Context) -> None:
    for module in (aws_cur, aws_bedrock, aws_bedrock_metrics):
        module.load(context, None)


def landed_usage(context: Context) -> dict[tuple, int]:
    """Sums by day, workload and counter, zero ones left out."""
    sums: dict[tuple, int] = defaultdict(int)
    for row in context.landing.read(METRICS_HOURLY).to_pylist():
        if row["metric"] in COLUMNS:
            workload = row["model_id"].rpartition("/")[2]
            sums[row["timestamp"].date(), workload, COLUMNS[row["metric"]]] += int(row["value"])
    return dict(sums)


def true_usage(aws: LocalAws, since: datetime) -> dict[tuple, int]:
    rows = pq.read_table(aws.home / "truth" / "usage.parquet").to_pylist()
    return {
        (row["usage_date"], row["workload_id"], column): row[column]
        for row in rows
        for column in COLUMNS.values()
        if row[column] and row["usage_date"] >= since.date()
    }


def test_first_run_counts_every_token_even_of_a_deleted_profile(aws: LocalAws, make_context: MakeContext) -> None:
    context = make_context()
    load_all(context)
    usage = landed_usage(context)
    assert usage == true_usage(aws, AS_OF - timedelta(days=39))
    gone = aws.estate["aws-voice-summary-old"].workload_id
    assert [day for day, workload, _ in usage if workload == gone]


def test_aws_2_1_only_series_of_model_id_alone_are_asked_for(aws: LocalAws, make_context: MakeContext) -> None:
    aws_bedrock_metrics.load(make_context(), None)
    asked = [request.params for request in aws.faults.requests if request.operation == "GetMetricData"]
    queries = [query for one in asked for query in one["MetricDataQueries"]]
    names = {tuple(dim["Name"] for dim in query["MetricStat"]["Metric"]["Dimensions"]) for query in queries}
    assert names == {("ModelId",)}
    assert {query["MetricStat"]["Period"] for query in queries} == {3600}
    assert max(len(one["MetricDataQueries"]) for one in asked) <= 500


def test_aws_2_4_later_run_reads_three_days_again_and_what_was_missed(aws: LocalAws, make_context: MakeContext) -> None:
    earlier = AS_OF - timedelta(days=5)
    aws.clock.set(earlier)
    load_all(make_context(as_of=earlier))
    aws.clock.set(AS_OF)
    aws.faults.forget_requests()
    context = make_context("run-2")
    load_all(context)
    starts = {r.params["StartTime"] for r in aws.faults.requests if r.operation == "GetMetricData"}
    assert starts == {(AS_OF - timedelta(days=8)).replace(hour=0).timestamp()}
    assert landed_usage(context) == true_usage(aws, AS_OF - timedelta(days=39 + 5))


def test_id_that_turns_up_later_is_read_from_the_start(aws: LocalAws, make_context: MakeContext) -> None:
    context = make_context()
    aws_bedrock_metrics.load(context, None)
    gone = aws.estate["aws-voice-summary-old"].workload_id
    assert gone not in {workload for _, workload, _ in landed_usage(context)}
    load_all(make_context("run-2"))
    assert landed_usage(context) == true_usage(aws, AS_OF - timedelta(days=39))


def test_second_run_changes_nothing_it_had(aws: LocalAws, make_context: MakeContext) -> None:
    load_all(make_context())
    results = aws_bedrock_metrics.load(make_context("run-2"), None)
    assert {f"{result.window_start:%m-%d}" for result in results} == {"11-15", "11-16", "11-17", "11-18"}
    assert not any(result.changed for result in results)


def test_asked_window_replaces_those_days_alone(aws: LocalAws, make_context: MakeContext) -> None:
    window = Window(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 12, tzinfo=UTC))
    results = aws_bedrock_metrics.load(make_context(), window)
    assert {f"{result.window_start:%m-%d}" for result in results} == {"11-10", "11-11"}
    assert sum(result.rows for result in results) > 0


def test_watermark_is_the_end_of_the_newest_hour(aws: LocalAws, make_context: MakeContext, tmp_path) -> None:
    aws_bedrock_metrics.load(make_context(), None)
    files = (tmp_path / "landing" / "aws_bedrock" / "_status").rglob("part.parquet")
    assert {row["watermark"] for file in files for row in pq.read_table(file).to_pylist()} == {AS_OF}


@pytest.mark.parametrize(
    ("operation", "kind", "expected"),
    [
        ("GetMetricData", "forbidden", PermissionDenied),
        ("ListMetrics", "wrong_schema", SchemaChanged),
        ("GetMetricData", "wrong_schema", SchemaChanged),
        ("GetMetricData", "empty", TransientError),
        ("GetMetricData", "cut", TransientError),
        ("GetMetricData", "throttle", TransientError),
    ],
)
def test_lasting_fault_stops_the_load(
    aws: LocalAws, make_context: MakeContext, operation: str, kind: str, expected: type[Exception]
) -> None:
    aws.faults.add("aws", operation, kind, times=None)
    context = make_context()
    with pytest.raises(expected):
        aws_bedrock_metrics.load(context, None)
    assert context.landing.read(METRICS_HOURLY).num_rows == 0


@pytest.fixture
def one_account(sources: SourcesConfig) -> SourcesConfig:
    """The account with the provisioned model, in one region, two days back, latency and minutes read."""
    data = tuple(account for account in sources.aws.accounts if account.id == DATA)
    changes = {"accounts": data, "regions": ("us-east-1",), "latency_metrics": True, "provisioned_minutes": True}
    section = sources.aws.model_copy(update=changes)
    return sources.model_copy(update={"backfill_days": 2, "aws_section": section})


def test_aws_2_1_latency_lands_with_sum_count_and_tail_and_is_priced_once(
    aws: LocalAws, make_context: MakeContext, one_account: SourcesConfig
) -> None:
    context = make_context(config=one_account)
    aws_bedrock_metrics.load(context, None)
    rows = context.landing.read(METRICS_HOURLY).to_pylist()
    profile = aws.estate["aws-sql-copilot"].workload_id
    hour = AS_OF - timedelta(hours=2)
    found = {
        (row["metric"], row["statistic"]): row["value"]
        for row in rows
        if row["model_id"] == profile and row["timestamp"] == hour
    }
    calls, tokens = found["Invocations", "Sum"], found["OutputTokenCount", "Sum"]
    assert found["InvocationLatency", "SampleCount"] == calls
    # as the local AWS makes them: 420 ms to the first token, 14 ms for each, and a tail of half as much again
    assert found["InvocationLatency", "Sum"] == pytest.approx(420 * calls + 14 * tokens)
    assert found["TimeToFirstToken", "p90"] == pytest.approx(420 * 1.5)
    asked = [r.params["MetricDataQueries"] for r in aws.faults.requests if r.operation == "GetMetricData"]
    priced = sum(len({str(query["MetricStat"]["Metric"]) for query in queries}) for queries in asked)
    state = context.landing.read_state("aws_bedrock", f"metrics-{DATA}")
    assert (state["last_calls"], state["last_metrics"]) == (len(asked), priced)
    assert state["last_usd"] == str(Decimal(priced) * Decimal("0.00001"))


def test_aws_2_4_minutes_of_a_provisioned_model_sum_to_its_hours(
    aws: LocalAws, make_context: MakeContext, one_account: SourcesConfig
) -> None:
    context = make_context(config=one_account)
    aws_bedrock_metrics.load(context, None)

    def tokens(contract: StreamContract) -> dict[datetime, float]:
        sums: dict[datetime, float] = defaultdict(float)
        for row in context.landing.read(contract).to_pylist():
            if row["metric"] == "InputTokenCount" and row["model_id"] == aws.estate["aws-semantic-search"].arn:
                sums[row["timestamp"].replace(minute=0)] += row["value"]
        return dict(sums)

    assert tokens(METRICS_MINUTELY) == tokens(METRICS_HOURLY) != {}
    assert set(context.landing.read(METRICS_MINUTELY)["period_s"].to_pylist()) == {60}


def test_aws_2_4_trailing_run_asks_for_listed_series_alone_and_keeps_the_others(
    aws: LocalAws, make_context: MakeContext, one_account: SourcesConfig
) -> None:
    earlier = AS_OF - timedelta(days=1)
    aws.clock.set(earlier)
    aws_bedrock_metrics.load(make_context(as_of=earlier, config=one_account), None)
    aws.clock.set(AS_OF)
    aws.faults.forget_requests()
    context = make_context("run-2", config=one_account)
    aws_bedrock_metrics.load(context, None)
    asked = [
        (query["MetricStat"]["Metric"]["MetricName"], query["MetricStat"]["Metric"]["Dimensions"][0]["Value"])
        for request in aws.faults.requests
        if request.operation == "GetMetricData"
        for query in request.params["MetricDataQueries"]
    ]
    # nobody ever made a client error, so that series does not exist and is not paid for
    assert {metric for metric, _ in asked} >= {"Invocations", "InvocationServerErrors", "InvocationLatency"}
    assert "InvocationClientErrors" not in {metric for metric, _ in asked}
    points = METRICS_HOURLY.schema.names
    landed = context.landing.read(METRICS_HOURLY, window_starts={"2026-11-16"}).select(points)
    assert landed.num_rows > 0
    # a series that is not asked for keeps what is landed of it
    pull = Pull(METRICS_HOURLY, list(days(Window(AS_OF - timedelta(days=2), AS_OF - timedelta(days=1)))),
                METRICS_HOURLY.schema.empty_table(), {("us-east-1", "elsewhere", "Invocations")})  # fmt: skip
    results = merge(context.landing, DATA, pull)
    assert [result.changed for result in results] == [False, False]
