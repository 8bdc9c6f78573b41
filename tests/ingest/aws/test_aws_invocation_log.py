"""Model invocation logs: one row per request, its metadata and never its prompt, the same by bucket and by folder."""

import gzip
import json
import shutil
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingest.config import SourcesConfig
from ingest.contracts import Context
from ingest.errors import ConfigError, CorruptFile, SchemaChanged
from ingest.files import open_folder
from ingest.quarantine import quarantine_contract
from ingest.sources import aws_bedrock_metrics, aws_invocation_log
from ingest.sources.aws_bedrock_points import METRICS_HOURLY
from ingest.sources.aws_invocation_log_rows import REQUESTS, is_log
from tests.emulator.aws.local_aws import AS_OF, SANDBOX, LocalAws
from tests.ingest.aws.conftest import MakeContext

LOGGED_FROM = AS_OF - timedelta(days=1)
# the log of an hour comes five minutes after its end
LOGGED_TO = AS_OF - timedelta(hours=1)
COUNTERS = {
    "InputTokenCount": ("input", "inputTokenCount"),
    "CacheReadInputTokenCount": ("input", "cacheReadInputTokenCount"),
    "CacheWriteInputTokenCount": ("input", "cacheWriteInputTokenCount"),
    "OutputTokenCount": ("output", "outputTokenCount"),
}


@pytest.fixture
def sandbox(sources: SourcesConfig) -> SourcesConfig:
    """The account that logs, two days back."""
    account = tuple(account for account in sources.aws.accounts if account.id == SANDBOX)
    section = sources.aws.model_copy(update={"accounts": account, "regions": ("us-east-1",)})
    return sources.model_copy(update={"backfill_days": 2, "aws_section": section})


def record(**changes: Any) -> dict[str, Any]:
    """A record as Bedrock writes it."""
    return {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": "2026-11-10T23:59:59Z",
        "accountId": "210000000003",
        "region": "us-east-1",
        "requestId": "r-1",
        "operation": "InvokeModel",
        "modelId": "anthropic.claude-haiku-4-5-20251001-v1:0",
        "input": {"inputContentType": "application/json", "inputBodyJson": {"requestMetadata": {"team": "liar"}}},
        "output": {"outputContentType": "application/json", "outputTokenCount": 7},
        "identity": {"arn": "arn:aws:iam::210000000003:user/alice"},
    } | changes


def write_lines(path: Path, *lines: Any) -> Path:
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def rows_of(context: Context) -> list[dict[str, Any]]:
    rows = context.landing.read(REQUESTS).select(REQUESTS.schema.names).to_pylist()
    return sorted(rows, key=lambda row: row["requestId"])


def from_path(context: Context, path: Path) -> None:
    with open_folder(str(path), context.settings) as folder:
        aws_invocation_log.load_files(context, folder, None)


def test_aws_5_every_request_is_counted_and_sums_to_what_cloudwatch_counted(
    aws: LocalAws, make_context: MakeContext, sandbox: SourcesConfig, tmp_path: Path
) -> None:
    context = make_context(config=sandbox)
    aws_invocation_log.load(context, None)
    aws_bedrock_metrics.load(context, None)
    logged: dict[tuple, int] = defaultdict(int)
    for row in rows_of(context):
        key = row["timestamp"].replace(minute=0, second=0), row["modelId"].rpartition("/")[2]
        logged[*key, "InvocationServerErrors" if row["errorCode"] else "Invocations"] += 1
        for name, (part, field) in COUNTERS.items():
            logged[*key, name] += row[part][field] or 0
    metered = {
        (row["timestamp"], row["model_id"], row["metric"]): int(row["value"])
        for row in context.landing.read(METRICS_HOURLY).to_pylist()
        if LOGGED_FROM <= row["timestamp"] < LOGGED_TO and row["metric"] != "InvocationThrottles"
    }
    assert {key: count for key, count in logged.items() if count} == metered
    assert len({hour for hour, *_ in metered}) == 23
    files = [path.read_bytes() for path in (tmp_path / "landing" / "aws_invocation_log").rglob("*.parquet")]
    assert not [one for one in files if b"SECRET" in one]


def test_aws_5_metadata_and_identity_stand_beside_the_profile(
    aws: LocalAws, make_context: MakeContext, sandbox: SourcesConfig
) -> None:
    context = make_context(config=sandbox)
    aws_invocation_log.load(context, None)
    arn = aws.estate["aws-dispute-drafter-stg"].arn
    row = next(row for row in rows_of(context) if row["modelId"] == arn)
    assert dict(row["requestMetadata"]) == {"cost_tag": "staging", "product": "dispute-drafter"}
    assert row["identity"]["arn"].startswith("arn:aws:sts::210000000003:assumed-role/dispute-drafter-stg-service/")


def test_a_day_is_fetched_again_only_when_its_objects_changed(
    aws: LocalAws, make_context: MakeContext, sandbox: SourcesConfig
) -> None:
    assert {result.window_start.day for result in aws_invocation_log.load(make_context(config=sandbox), None)} == {
        17,
        18,
    }
    aws.faults.forget_requests()
    assert aws_invocation_log.load(make_context("run-2", config=sandbox), None) == []
    assert {one.operation for one in aws.faults.requests} == {"AssumeRole", "ListObjectsV2"}
    later = AS_OF + timedelta(minutes=10)
    aws.clock.set(later)
    again = aws_invocation_log.load(make_context("run-3", as_of=later, config=sandbox), None)
    assert {(result.stream, result.window_start.day, result.changed) for result in again} == {
        ("requests", 18, True),
        ("_quarantine", 18, False),
    }


def test_folder_gives_the_same_rows_as_the_bucket(
    aws: LocalAws, make_context: MakeContext, sandbox: SourcesConfig, tmp_path: Path
) -> None:
    context = make_context(config=sandbox)
    aws_invocation_log.load(context, None)
    from_bucket = rows_of(context)
    copy = tmp_path / "copy"
    shutil.copytree(aws.home / "emulator" / "aws" / "invocation_logs", copy)
    (not_yet,) = copy.rglob("20261118T05*.json.gz")
    not_yet.unlink()
    shutil.rmtree(tmp_path / "landing")
    from_path(context, copy)
    assert rows_of(context) == from_bucket


def test_one_file_without_its_folders_lands_by_its_records(make_context: MakeContext, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "log.json", record(), record(requestId="r-2", timestamp="2026-11-11T00:00:01Z"))
    context = make_context()
    from_path(context, path)
    assert [row["requestId"] for row in rows_of(context)] == ["r-1", "r-2"]
    assert context.landing.windows(REQUESTS, "210000000003-us-east-1") == ["2026-11-10", "2026-11-11"]
    # what stands in a body is not the request's metadata
    assert [dict(row["requestMetadata"]) for row in rows_of(context)] == [{}, {}]


def test_line_that_is_no_record_is_set_apart_without_its_text(make_context: MakeContext, tmp_path: Path) -> None:
    good = [record(requestId=f"r-{number}") for number in range(20)]
    bad = ['{"input": "SECRET prompt', record(timestamp=None), record(schemaType="Other"), record(timestamp="soon")]
    negative = record(output={"outputTokenCount": -1})
    write_lines(tmp_path / "log.json.gz", bad[0], *good, *bad[1:], negative)
    context = make_context()
    from_path(context, tmp_path / "log.json.gz")
    assert len(rows_of(context)) == 20
    apart = context.landing.read(quarantine_contract("aws_invocation_log")).to_pylist()
    assert Counter(row["reason"] for row in apart) == Counter(
        [
            "it is no JSON object",
            "it has no timestamp",
            "its schemaType is 'Other', not ModelInvocationLog",
            "its timestamp is no time",
            "its outputTokenCount is no count",
        ]
    )
    assert not [row for row in apart if "SECRET" in row["row"]]


def test_a_log_is_known_by_its_lines_whatever_it_is_called(
    make_context: MakeContext, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context, logs = make_context(), tmp_path / "logs"
    logs.mkdir()
    write_lines(logs / "20261110T2359Z_0.gz", record())
    (logs / "chart.json").write_bytes(b"\x89PNG\r\n\x1a\n")
    write_lines(logs / "settings.json", {"loggingConfig": {}})
    from_path(context, logs)
    assert [row["requestId"] for row in rows_of(context)] == ["r-1"]
    assert "chart.json: it is no model invocation log" in caplog.text
    assert "settings.json: it is no model invocation log" in caplog.text


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_record_of_an_impossible_year_is_set_apart(make_context: MakeContext, tmp_path: Path, year: str) -> None:
    context = make_context()
    good = [record(requestId=f"r-{number}") for number in range(9)]
    from_path(context, write_lines(tmp_path / "log.json", *good, record(timestamp=f"{year}-01-01T00:00:00Z")))
    (apart,) = context.landing.read(quarantine_contract("aws_invocation_log")).to_pylist()
    assert apart["reason"] == "its timestamp is no time"


def test_half_a_character_does_not_stop_a_day(make_context: MakeContext, tmp_path: Path) -> None:
    context = make_context()
    line = json.dumps(record(requestMetadata={"team": "docs\ud83d"}, operation="Invoke\ude00"))
    assert "\\ud83d" in line
    from_path(context, write_lines(tmp_path / "log.json", line))
    (row,) = rows_of(context)
    assert (row["requestMetadata"], row["operation"]) == ([("team", "docs?")], "Invoke?")


def test_file_that_breaks_off_lands_nothing(make_context: MakeContext, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "log.json.gz", *[record(requestId=f"r-{number:06d}") for number in range(2000)])
    path.write_bytes(path.read_bytes()[:-200])
    context = make_context()
    with pytest.raises(CorruptFile, match="cannot be read to its end"):
        from_path(context, path)
    assert rows_of(context) == []


def test_other_file_is_named_as_what_it_is_not(make_context: MakeContext, tmp_path: Path) -> None:
    with pytest.raises(SchemaChanged, match="holds no model invocation log"):
        from_path(make_context(), write_lines(tmp_path / "other.json", {"model": "x"}))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("AWSLogs/210000000003/BedrockModelInvocationLogs/us-east-1/2026/11/10/05/x.json.gz", True),
        ("p/q/AWSLogs/210000000003/BedrockModelInvocationLogs/us-east-1/2026/11/10/05/x.json.gz", True),
        ("AWSLogs/210000000003/BedrockModelInvocationLogs/us-east-1/2026/11/10/05/data/x.json.gz", False),
        ("AWSLogs/210000000003/BedrockModelInvocationLogs/amazon-bedrock-logs-permission-check", False),
    ],
)
def test_aws_5_bodies_and_the_permission_check_are_passed_over(key: str, expected: bool) -> None:
    assert is_log(key) is expected


def test_without_a_configured_log_nothing_is_asked(
    aws: LocalAws, make_context: MakeContext, sources: SourcesConfig
) -> None:
    section = sources.aws.model_copy(update={"invocation_logs": ()})
    config = sources.model_copy(update={"aws_section": section})
    assert aws_invocation_log.load(make_context(config=config), None) == []
    assert aws.faults.requests == []


def test_log_of_an_account_that_is_not_configured_is_refused(sources: SourcesConfig) -> None:
    log = {"account_id": "210000000009", "region": "us-east-1", "bucket": "b"}
    section = sources.aws.model_dump() | {"invocation_logs": [log]}
    with pytest.raises((ConfigError, ValueError), match="210000000009, which is not among accounts"):
        SourcesConfig.model_validate({"aws": section})


def test_watermark_is_the_newest_day_with_a_log(
    aws: LocalAws, make_context: MakeContext, sandbox: SourcesConfig, tmp_path: Path
) -> None:
    aws_invocation_log.load(make_context(config=sandbox), None)
    (file,) = (tmp_path / "landing" / "aws_invocation_log" / "_status").rglob("part.parquet")
    (row,) = pq.read_table(file).to_pylist()
    assert (row["account_id"], row["watermark"], row["message"]) == (f"{SANDBOX}-us-east-1", AS_OF, None)
    assert row["watermark"] == datetime(2026, 11, 18, 6, tzinfo=UTC)
