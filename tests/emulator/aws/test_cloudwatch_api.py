from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from tests.emulator.aws.local_aws import AS_OF, DATA, LocalAws
from tests.emulator.aws.shapes import differences, raw_answer

DAY = datetime(2026, 11, 10, tzinfo=UTC)


def query(model_id: str | None, metric: str = "InputTokenCount", *, period: int = 3600, name: str = "q1") -> dict:
    dimensions = [{"Name": "ModelId", "Value": model_id}] if model_id else []
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {"Namespace": "AWS/Bedrock", "MetricName": metric, "Dimensions": dimensions},
            "Period": period,
            "Stat": "Sum",
        },
    }


def ask(aws: LocalAws, *queries: dict, start: datetime = DAY, end: datetime = DAY + timedelta(days=1), **more) -> list:
    client = aws.client("cloudwatch")
    answer = client.get_metric_data(MetricDataQueries=list(queries), StartTime=start, EndTime=end, **more)
    return answer["MetricDataResults"]


def test_answers_have_the_shape_of_the_service_model(aws: LocalAws) -> None:
    client, workload = aws.client("cloudwatch"), aws.estate["aws-semantic-search-rerank"].workload_id
    listed, shape = raw_answer(client, "ListMetrics", Namespace="AWS/Bedrock")
    assert differences(listed, shape) == []
    assert listed["Metrics"]
    data, shape = raw_answer(
        client,
        "GetMetricData",
        MetricDataQueries=[query(workload)],
        StartTime=DAY,
        EndTime=DAY + timedelta(days=1),
    )
    assert differences(data, shape) == []
    assert len(data["MetricDataResults"][0]["Values"]) == 24


@pytest.mark.parametrize(
    ("metric", "column"),
    [
        ("InputTokenCount", "input_tokens"),
        ("OutputTokenCount", "output_tokens"),
        ("CacheReadInputTokenCount", "cache_read_tokens"),
        ("CacheWriteInputTokenCount", "cache_write_tokens"),
        ("Invocations", "request_count"),
    ],
)
def test_hours_of_a_day_sum_to_what_was_really_used(aws: LocalAws, metric: str, column: str) -> None:
    workload = aws.estate["aws-contract-review"].workload_id
    truth = pq.read_table(aws.home / "truth" / "usage.parquet").to_pylist()
    used = next(row for row in truth if row["workload_id"] == workload and row["usage_date"] == DAY.date())
    result = ask(aws, query(workload, metric))[0]
    assert result["StatusCode"] == "Complete"
    assert sum(result["Values"]) == used[column]


def test_aws_2_2_model_id_is_the_bare_profile_id_or_the_provisioned_arn(aws: LocalAws) -> None:
    pages = aws.client("cloudwatch", account=DATA).get_paginator("list_metrics").paginate(Namespace="AWS/Bedrock")
    ids = {
        dimension["Value"]
        for page in pages
        for metric in page["Metrics"]
        for dimension in metric["Dimensions"]
        if dimension["Name"] == "ModelId"
    }
    assert aws.estate["aws-sql-copilot"].workload_id in ids
    assert aws.estate["aws-semantic-search"].arn in ids
    assert not [one for one in ids if "inference-profile" in one]


def test_aws_6_dimension_set_must_match_exactly(aws: LocalAws) -> None:
    workload = aws.estate["aws-semantic-search-rerank"].workload_id
    wrong = query(workload, name="q2")
    wrong["MetricStat"]["Metric"]["Dimensions"].append({"Name": "ServiceTier", "Value": "reserved"})
    other = query(workload, name="q3")
    other["MetricStat"]["Metric"]["Namespace"] = "AWS/BedrockMantle"
    results = ask(aws, query(workload), wrong, other)
    assert [len(result["Values"]) for result in results] == [24, 0, 0]
    assert {result["StatusCode"] for result in results} == {"Complete"}


def test_aggregate_without_dimensions_repeats_all_models(aws: LocalAws) -> None:
    here = [one for one in aws.estate.values() if (one.account, one.region) == ("210000000001", "us-east-1")]
    queries = [query(one.metric_model_id, name=f"q{number}") for number, one in enumerate(here)]
    total, *parts = ask(aws, query(None, name="total"), *queries)
    assert sum(total["Values"]) == sum(sum(part["Values"]) for part in parts) > 0


def test_periods_are_aligned_to_the_clock(aws: LocalAws) -> None:
    workload = aws.estate["aws-semantic-search-rerank"].workload_id
    start = DAY + timedelta(hours=3, minutes=17)
    hourly = ask(aws, query(workload), start=start, end=DAY + timedelta(hours=5), ScanBy="TimestampAscending")[0]
    assert [moment.astimezone(UTC).strftime("%H:%M") for moment in hourly["Timestamps"]] == ["03:00", "04:00"]
    minutes = ask(aws, query(workload, period=300), start=DAY, end=DAY + timedelta(hours=1))[0]
    whole = ask(aws, query(workload), start=DAY, end=DAY + timedelta(hours=1))[0]
    assert len(minutes["Values"]) == 12
    assert sum(minutes["Values"]) == whole["Values"][0]


def test_newest_points_come_first_unless_asked_otherwise(aws: LocalAws) -> None:
    workload = aws.estate["aws-semantic-search-rerank"].workload_id
    moments = ask(aws, query(workload))[0]["Timestamps"]
    assert moments == sorted(moments, reverse=True)


def test_fine_periods_are_silent_beyond_their_retention(aws: LocalAws) -> None:
    workload = aws.estate["aws-semantic-search-rerank"].workload_id
    old = AS_OF - timedelta(days=20)
    results = ask(
        aws,
        query(workload, period=60, name="minute"),
        query(workload, period=300, name="five"),
        start=old,
        end=old + timedelta(hours=1),
    )
    assert [len(result["Values"]) for result in results] == [0, 12]
    aws.clock.set(AS_OF + timedelta(days=470))
    assert ask(aws, query(workload))[0]["Values"] == []


def test_pages_carry_partial_data_until_a_series_is_complete(aws: LocalAws) -> None:
    workload = aws.estate["aws-semantic-search-rerank"].workload_id
    client = aws.client("cloudwatch")
    request = {
        "MetricDataQueries": [query(workload), query(workload, "Invocations", name="q2")],
        "StartTime": DAY,
        "EndTime": DAY + timedelta(days=1),
        "MaxDatapoints": 20,
    }
    pages = list(client.get_paginator("get_metric_data").paginate(**request))
    seen = [[(one["Id"], len(one["Values"]), one["StatusCode"]) for one in page["MetricDataResults"]] for page in pages]
    assert seen == [
        [("q1", 20, "PartialData")],
        [("q1", 4, "Complete"), ("q2", 16, "PartialData")],
        [("q2", 8, "Complete")],
    ]


def test_limits_are_refused(aws: LocalAws) -> None:
    many = [query("abc", name=f"q{number}") for number in range(501)]
    for queries in (many, [query("abc", name="Q1")], [query("abc", period=90)], [query("a"), query("b")]):
        with pytest.raises(ClientError) as caught:
            ask(aws, *queries)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_list_forgets_a_series_after_two_silent_weeks_but_its_data_stays(aws: LocalAws) -> None:
    workload = aws.estate["aws-voice-summary-old"].workload_id
    listed = (
        aws.client("cloudwatch")
        .get_paginator("list_metrics")
        .paginate(Namespace="AWS/Bedrock", Dimensions=[{"Name": "ModelId", "Value": workload}])
    )
    assert [metric for page in listed for metric in page["Metrics"]] == []
    old = AS_OF - timedelta(days=36)
    assert sum(ask(aws, query(workload), start=old, end=old + timedelta(days=1))[0]["Values"]) > 0
