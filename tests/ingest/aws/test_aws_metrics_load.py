from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from ingest.contracts import Context
from ingest.errors import PermissionDenied, SchemaChanged, TransientError
from ingest.run import Window
from ingest.sources import aws_bedrock, aws_bedrock_metrics, aws_cur
from ingest.sources.aws_bedrock_metrics import METRICS_HOURLY
from tests.emulator.aws.local_aws import AS_OF, LocalAws
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


def test_only_series_of_model_id_alone_are_asked_for(aws: LocalAws, make_context: MakeContext) -> None:
    aws_bedrock_metrics.load(make_context(), None)
    asked = [request.params for request in aws.faults.requests if request.operation == "GetMetricData"]
    queries = [query for one in asked for query in one["MetricDataQueries"]]
    names = {tuple(dim["Name"] for dim in query["MetricStat"]["Metric"]["Dimensions"]) for query in queries}
    assert names == {("ModelId",)}
    assert {query["MetricStat"]["Period"] for query in queries} == {3600}
    assert max(len(one["MetricDataQueries"]) for one in asked) <= 500


def test_later_run_reads_three_days_again_and_what_was_missed(aws: LocalAws, make_context: MakeContext) -> None:
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


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "missing"])
def test_series_that_is_not_complete_is_a_failed_pull(status: str) -> None:
    answered = {"q1": "Complete"} | ({} if status == "missing" else {"q2": status})
    with pytest.raises(TransientError, match=status):
        aws_bedrock_metrics._refuse_incomplete(["q1", "q2"], answered, "CloudWatch data")
    with pytest.raises(PermissionDenied):
        aws_bedrock_metrics._refuse_incomplete(["q1"], {"q1": "Forbidden"}, "CloudWatch data")
