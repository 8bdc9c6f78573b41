"""How CloudWatch is asked: as few calls and priced metrics as its limits allow, never a period that is gone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import boto3
import pytest
from botocore.stub import Stubber

from ingest.aws_cloudwatch import (
    POINTS_PER_PAGE,
    QUERIES_PER_CALL,
    Metric,
    Series,
    Spent,
    calls,
    queries_per_call,
    read_call,
    refuse_incomplete,
    refuse_messages,
    segments,
)
from ingest.errors import PermissionDenied, TransientError
from ingest.run import Window
from ingest.sources.aws_bedrock_metrics import COUNTERS, LATENCIES, LATENCY_STATISTICS

NOW = datetime(2026, 11, 18, 6, tzinfo=UTC)
DAY = Window(NOW - timedelta(days=1), NOW)


def metric(number: int, name: str) -> Metric:
    return Metric("AWS/Bedrock", name, (("ModelId", f"profile{number:05d}"),))


def counters(profiles: int) -> list[Series]:
    return [Series(metric(number, name)) for number in range(profiles) for name in COUNTERS]


def test_aws_2_4_a_thousand_profiles_of_eight_metrics_take_the_fewest_calls_and_priced_metrics() -> None:
    batches = calls(counters(1000), DAY, 3600)
    # 8,000 queries of 24 points: 500 a call bind (16 calls), 100,800 points do not (2 calls)
    assert [len(batch) for batch in batches] == [500] * 16
    spent = Spent()
    for batch in batches:
        spent.add(len(batch))
    assert (spent.calls, spent.metrics, spent.usd) == (16, 8000, Decimal("0.08000"))
    assert len({series for batch in batches for series in batch}) == 8000


def test_aws_2_4_statistics_of_one_metric_stand_in_one_call_and_are_priced_once() -> None:
    latencies = [Series(metric(number, name), LATENCY_STATISTICS) for number in range(1000) for name in LATENCIES]
    batches = calls(counters(1000) + latencies, DAY, 3600)
    queries = [sum(len(series.statistics) for series in batch) for batch in batches]
    # 8,000 + 2,000 x 3 queries: 28 calls of 500, though three never fill 500 by themselves
    assert queries == [500] * 28
    assert sum(len(batch) for batch in batches) == 10_000


@pytest.mark.parametrize(
    ("days", "period", "expected"),
    [(1, 3600, 500), (8, 3600, 500), (9, 3600, 466), (90, 3600, 46), (455, 3600, 9), (1, 60, 70), (15, 60, 4)],
)
def test_aws_2_4_no_call_can_need_a_second_page(days: int, period: int, expected: int) -> None:
    span = Window(NOW - timedelta(days=days), NOW)
    room = queries_per_call(span, period)
    points = days * 86400 // period
    assert room == expected
    assert room * points <= POINTS_PER_PAGE
    assert room == QUERIES_PER_CALL or (room + 1) * points > POINTS_PER_PAGE


def test_aws_2_4_a_period_is_as_fine_as_its_age_allows() -> None:
    span = Window(NOW - timedelta(days=500), NOW)
    ages = [(NOW - part.start, NOW - part.end, period) for part, period in segments(span, NOW, 60)]
    assert ages == [
        (timedelta(days=455), timedelta(days=63), 3600),
        (timedelta(days=63), timedelta(days=15), 300),
        (timedelta(days=15), timedelta(0), 60),
    ]
    ((whole, period),) = segments(span, NOW, 3600)
    assert (NOW - whole.start, period) == (timedelta(days=455), 3600)
    assert segments(Window(NOW - timedelta(days=500), NOW - timedelta(days=460)), NOW, 60) == []


def test_aws_2_4_parts_meet_on_full_hours() -> None:
    now = NOW + timedelta(minutes=17)
    parts = segments(Window(now - timedelta(days=20), now), now, 60)
    assert [part.start.minute for part, _ in parts[1:]] == [0]
    assert parts[0][0].end == parts[1][0].start > now - timedelta(days=15)


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "missing"])
def test_aws_2_4_a_series_that_is_not_complete_is_a_failed_pull(status: str) -> None:
    answered = {"q1": "Complete"} | ({} if status == "missing" else {"q2": status})
    with pytest.raises(TransientError, match=status):
        refuse_incomplete(["q1", "q2"], answered, "CloudWatch data")
    with pytest.raises(PermissionDenied):
        refuse_incomplete(["q1"], {"q1": "Forbidden"}, "CloudWatch data")


@pytest.mark.parametrize(
    ("said", "message"),
    [("PartialData", None), ("Complete", "Maximum number of allowed metrics exceeded"), ("Complete", None)],
    ids=["incomplete", "message", "whole"],
)
def test_aws_2_4_what_the_last_page_leaves_open_stops_the_read(said: str, message: str | None) -> None:
    """boto3's own client with an answer laid under it: the local CloudWatch always completes its series."""
    client = boto3.client("cloudwatch", region_name="us-east-1", aws_access_key_id="id", aws_secret_access_key="secret")
    answer = {
        "MetricDataResults": [{"Id": "q0000", "StatusCode": said, "Timestamps": [DAY.start], "Values": [3.0]}],
        "Messages": [{"Code": "MaxMetricsExceeded", "Value": message}] if message else [],
    }
    with Stubber(client) as answers:
        answers.add_response("get_metric_data", answer)
        read = read_call(client, counters(1)[:1], DAY, 3600, where="CloudWatch data", spent=Spent())
        if said == "Complete" and message is None:
            assert [points.values for points in read] == [[3.0]]
        else:
            with pytest.raises(TransientError, match=message or said):
                list(read)


def test_aws_2_4_a_message_of_cloudwatch_is_no_silence() -> None:
    refuse_messages([], "CloudWatch data")
    with pytest.raises(TransientError, match="Maximum number of allowed metrics exceeded"):
        refuse_messages(
            [{"Code": "MaxMetricsExceeded", "Value": "Maximum number of allowed metrics exceeded"}], "CloudWatch data"
        )
