"""Files of the AWS command line land as the API's answers do."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.config import SourcesConfig
from ingest.contracts import Context
from ingest.errors import ConfigError, CorruptFile, SchemaChanged, TransientError
from ingest.files import open_folder
from ingest.sources import aws_bedrock, aws_bedrock_metrics
from ingest.sources.aws_bedrock import INFERENCE_PROFILES, PROVISIONED_THROUGHPUTS
from ingest.sources.aws_bedrock_points import METRICS_HOURLY
from tests.emulator.aws.local_aws import AS_OF, DATA, LocalAws
from tests.ingest.aws.conftest import MakeContext

REGION = "us-east-1"
HOURS = ["2026-11-17T22:00:00+00:00", "2026-11-18T00:00:00+00:00"]


@pytest.fixture
def one_account(sources: SourcesConfig) -> SourcesConfig:
    data = tuple(account for account in sources.aws.accounts if account.id == DATA)
    section = sources.aws.model_copy(update={"accounts": data, "regions": (REGION,)})
    return sources.model_copy(update={"backfill_days": 1, "aws_section": section})


def save(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, default=datetime.isoformat, indent=4))
    return path


def from_path(context: Context, path: Path) -> None:
    with open_folder(str(path), context.settings) as folder:
        aws_bedrock.load_files(context, folder, None)


def landed(context: Context) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for contract in (INFERENCE_PROFILES, PROVISIONED_THROUGHPUTS, METRICS_HOURLY):
        rows = context.landing.read(contract).select(contract.schema.names).to_pylist()
        found[contract.stream] = sorted(rows, key=str)
    return found


def test_what_the_command_line_prints_lands_as_the_api_does(
    aws: LocalAws, make_context: MakeContext, one_account: SourcesConfig, tmp_path: Path
) -> None:
    context = make_context(config=one_account)
    aws_bedrock.load(context, None)
    aws_bedrock_metrics.load(context, None)
    bedrock, cloudwatch = aws.client("bedrock", account=DATA), aws.client("cloudwatch", account=DATA)
    folder = tmp_path / "printed" / DATA / REGION

    def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    for number, kind in enumerate(("APPLICATION", "SYSTEM_DEFINED")):
        answer = bedrock.list_inference_profiles(typeEquals=kind, maxResults=1000)
        save(folder / f"profiles-{number}.json", without_metadata(answer))
    save(folder / "pt.json", without_metadata(bedrock.list_provisioned_model_throughputs(maxResults=1000)))
    tagged = [one for one in aws.estate.values() if one.account == DATA and one.tags]
    mappings = [
        {"ResourceARN": one.arn, "Tags": [{"Key": key, "Value": value} for key, value in one.tags.items()]}
        for one in tagged
    ]
    save(folder / "tags.json", {"PaginationToken": "", "ResourceTagMappingList": mappings})
    series = sorted({(row["model_id"], row["metric"]) for row in landed(context)["metrics_hourly"]})
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Bedrock",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "ModelId", "Value": model_id}],
                },
                "Period": 3600,
                "Stat": "Sum",
            },
        }
        for number, (model_id, metric) in enumerate(series)
    ]
    start = (AS_OF - timedelta(days=1)).replace(hour=0)
    request = {"MetricDataQueries": queries, "StartTime": start, "EndTime": AS_OF}
    save(folder / "request.json", request)
    save(folder / "metrics.json", without_metadata(cloudwatch.get_metric_data(**request)))
    other = make_context("run-2", config=one_account)
    elsewhere = type(other)(
        other.settings, other.config, type(other.landing)(str(tmp_path / "other"), other.run), other.run
    )
    from_path(elsewhere, tmp_path / "printed")
    assert landed(elsewhere) == landed(context)
    assert landed(elsewhere)["metrics_hourly"]


def metrics(**changes: Any) -> dict[str, Any]:
    result = {"Id": "q1", "Label": "abcdef123456 Invocations", "Timestamps": HOURS, "Values": [3.0, 4.0]}
    return {"MetricDataResults": [result | {"StatusCode": "Complete"} | changes], "Messages": []}


def test_label_names_model_and_metric_where_no_request_lies_beside(make_context: MakeContext, tmp_path: Path) -> None:
    save(tmp_path / "f" / DATA / REGION / "m.json", metrics())
    context = make_context()
    from_path(context, tmp_path / "f")
    rows = landed(context)["metrics_hourly"]
    assert [(row["model_id"], row["metric"], row["value"], row["account_id"]) for row in rows] == [
        ("abcdef123456", "Invocations", 3.0, DATA),
        ("abcdef123456", "Invocations", 4.0, DATA),
    ]
    assert context.landing.windows(METRICS_HOURLY, DATA) == ["2026-11-17", "2026-11-18"]


def test_an_answer_is_known_by_its_members_whatever_the_file_is_called(
    make_context: MakeContext, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "f" / DATA / REGION
    save(folder / "printed.txt", metrics())
    save(folder / "settings.json", {"models": []})
    (folder / "chart.json").write_bytes(b"\x89PNG\r\n\x1a\n")
    context = make_context()
    from_path(context, tmp_path / "f")
    assert len(landed(context)["metrics_hourly"]) == 2
    assert "settings.json: it is no answer of the AWS command line" in caplog.text
    assert "chart.json: it is no answer of the AWS command line" in caplog.text


def test_tags_without_a_resource_and_a_cut_answer_are_told_with_their_file(
    make_context: MakeContext, tmp_path: Path
) -> None:
    folder = tmp_path / "f" / DATA / REGION
    save(folder / "m.json", metrics())
    save(folder / "tags.json", {"ResourceTagMappingList": [{"Tags": [{"Key": "team", "Value": "docs"}]}]})
    with pytest.raises(SchemaChanged, match=r"tags\.json is not as the AWS command line prints it"):
        from_path(make_context(), tmp_path / "f")
    (folder / "tags.json").write_text('{"ResourceTagMappingList": [{"ResourceARN": "arn')
    with pytest.raises(CorruptFile, match=r"tags\.json breaks off"):
        from_path(make_context(), tmp_path / "f")


@pytest.mark.parametrize(
    ("document", "place", "expected", "says"),
    [
        (metrics(), "", ConfigError, "whose metrics"),
        (metrics(Label="Invocations"), f"{DATA}/{REGION}", SchemaChanged, "no hourly series"),
        (metrics(Timestamps=[HOURS[0], "2026-11-18T00:05:00Z"]), f"{DATA}/{REGION}", SchemaChanged, "no hourly"),
        (metrics(StatusCode="PartialData"), f"{DATA}/{REGION}", TransientError, "PartialData"),
        ({"inferenceProfileSummaries": [{"inferenceProfileId": "x"}]}, "", SchemaChanged, "no inferenceProfileArn"),
        ({"models": []}, "", SchemaChanged, "holds no answer of"),
        (metrics(Values=[1.0]), f"{DATA}/{REGION}", SchemaChanged, r"m\.json is not .*2 timestamps and 1 values"),
        (metrics(Timestamps=None), f"{DATA}/{REGION}", SchemaChanged, r"m\.json is not as the AWS command line"),
        (metrics(Timestamps=["9999-01-01T00:00:00Z"]), f"{DATA}/{REGION}", SchemaChanged, "outside of the years"),
        ({"MetricDataResults": [{"Label": "x Invocations"}]}, f"{DATA}/{REGION}", SchemaChanged, "'Id'"),
        ({"inferenceProfileSummaries": ["x"]}, "", SchemaChanged, r"m\.json is not as the AWS command line"),
    ],
    ids=[
        *("no place", "no model id", "five minutes", "not complete", "no arn", "something else", "a value short"),
        *("no times", "impossible year", "no id", "no object"),
    ],
)
def test_file_that_is_not_it_is_named(
    make_context: MakeContext, tmp_path: Path, document: Any, place: str, expected: type[Exception], says: str
) -> None:
    save(tmp_path / "f" / place / "m.json", document)
    context = make_context()
    with pytest.raises(expected, match=says):
        from_path(context, tmp_path / "f")
    assert not any(landed(context).values())
