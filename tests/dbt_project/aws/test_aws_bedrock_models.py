"""The models over Bedrock's inventory, latency and logs, on landed rows written by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingest.config import load_sources
from ingest.contracts import Context, StreamContract
from ingest.landing import Landing
from ingest.registry import contracts, modules
from ingest.run import Run, Window
from ingest.settings import Settings
from ingest.sources.aws_bedrock import INFERENCE_PROFILES, PROVISIONED_THROUGHPUTS
from ingest.sources.aws_bedrock_points import METRICS_HOURLY
from ingest.sources.aws_invocation_log_rows import REQUESTS
from tests.dbt_project.conftest import AS_OF, DBT_PROJECT, Home

ACCOUNT, REGION = "210000000001", "ap-northeast-1"
SONNET, HAIKU = "anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0"
NEW = ("int_aws_logged_usage", "int_aws_latency_hourly", "int_aws_profile_sources", "int_aws_profile_versions")
DAYS = [datetime(2026, 11, day, tzinfo=UTC) for day in (15, 16, 17)]
HOUR = datetime(2026, 11, 17, 9, tzinfo=UTC)


class AwsHome(Home):
    """A home on the project itself."""

    @property
    def project(self) -> Path:
        return DBT_PROJECT


def arn(model: str, region: str = REGION) -> str:
    return f"arn:aws:bedrock:{region}::foundation-model/{model}"


def profile(profile_id: str, models: list[str], *, kind: str = "APPLICATION", **tags: str) -> dict[str, Any]:
    prefix = "application-inference-profile" if kind == "APPLICATION" else "inference-profile"
    return {
        "account_id": ACCOUNT,
        "region": REGION,
        "inferenceProfileId": profile_id,
        "inferenceProfileArn": f"arn:aws:bedrock:{REGION}:{ACCOUNT}:{prefix}/{profile_id}",
        "inferenceProfileName": f"name of {profile_id}",
        "type": kind,
        "status": "ACTIVE",
        "models": [{"modelArn": one} for one in models],
        "createdAt": datetime(2026, 1, 1, tzinfo=UTC),
        "tags": sorted(tags.items()),
    }


ASIA = [arn(SONNET), arn(SONNET, "ap-northeast-3")]
SYSTEM = [
    profile(f"jp.{SONNET}", ASIA, kind="SYSTEM_DEFINED"),
    # the same two regions in another order
    profile(f"apac.{SONNET}", ASIA[::-1], kind="SYSTEM_DEFINED"),
    profile(f"global.{HAIKU}", [arn(HAIKU), arn(HAIKU, "")], kind="SYSTEM_DEFINED"),
]
ALWAYS = [
    profile("aaaaaaaaaaaa", ASIA, team="support"),
    profile("bbbbbbbbbbbb", [arn(HAIKU), arn(HAIKU, "")], team="docs", product="contract-review"),
    profile("cccccccccccc", [arn(HAIKU)], team="docs"),
    profile("eeeeeeeeeeee", [arn(HAIKU), arn(SONNET)], team="docs"),
    profile("ffffffffffff", [arn(SONNET, "mx-central-1"), arn(SONNET, "us-east-1")], team="docs"),
]
SNAPSHOTS = [
    [profile("dddddddddddd", [arn(HAIKU)], team="growth"), *ALWAYS, *SYSTEM],
    [profile("dddddddddddd", [arn(HAIKU)], team="mobile"), *ALWAYS, *SYSTEM],
    [*ALWAYS, *SYSTEM],
]
PROFILE = profile("bbbbbbbbbbbb", [])["inferenceProfileArn"]


def point(metric: str, value: float, statistic: str | None = "Sum", hour: datetime = HOUR) -> dict[str, Any]:
    return {
        "account_id": ACCOUNT,
        "region": REGION,
        "model_id": "bbbbbbbbbbbb",
        "metric": metric,
        "statistic": statistic,
        "period_s": 3600,
        "timestamp": hour,
        "value": value,
    }


POINTS = [
    point("Invocations", 8),
    point("InvocationThrottles", 3),
    point("InvocationClientErrors", 2),
    point("InputTokenCount", 700),
    point("InvocationLatency", 9_000.5),
    point("InvocationLatency", 8, "SampleCount"),
    point("InvocationLatency", 2_100.25, "p90"),
    # a row that was landed before statistics were kept
    point("Invocations", 5, None, HOUR + timedelta(hours=1)),
    # called by the model's own id, and through a system profile that no snapshot shows
    point("Invocations", 1) | {"model_id": HAIKU},
    point("Invocations", 1) | {"model_id": "us.amazon.nova-lite-v1:0"},
    point("Invocations", 1) | {"model_id": "mistral.unheard-of-v1:0"},
]


def request(number: int, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "timestamp": HOUR + timedelta(minutes=number),
        "accountId": ACCOUNT,
        "region": REGION,
        "requestId": f"r-{number}",
        "operation": "Converse",
        "modelId": PROFILE,
        "identity": {"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/gateway/ana@acme.example"},
        "requestMetadata": [],
        "input": {"inputTokenCount": 100, "cacheReadInputTokenCount": 40, "cacheWriteInputTokenCount": 10},
        "output": {"outputTokenCount": 7},
    }
    return row | changes


REQUESTS_MADE = [
    request(1),
    request(2, identity={"arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/gateway/bo@acme.example"}),
    request(3, errorCode="ThrottlingException", input={"inputTokenCount": 100}, output=None),
    request(4, requestMetadata=[("Team", "Mobile"), ("trace", "x")]),
    request(5, modelId=f"jp.{SONNET}", identity={"arn": f"arn:aws:iam::{ACCOUNT}:user/alice"}),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> AwsHome:
    home = tmp_path_factory.mktemp("aws-bedrock-home")
    config = DBT_PROJECT.parent / "config"
    settings = Settings(home=home, config_dir=config)
    landing = Landing(settings.landing_root, Run("run-test", AS_OF))
    landing.ensure_anchors(contracts())
    for module in modules("config"):
        module.load(Context(settings, load_sources(config / "sources.yml"), landing, landing.run), None)

    def land(contract: StreamContract, day: datetime, rows: list[dict[str, Any]]) -> None:
        table = pa.Table.from_pylist(rows, schema=contract.schema)
        landing.write(contract, scope=ACCOUNT, window=Window(day, day + timedelta(days=1)), batches=[table])

    for day, rows in zip(DAYS, SNAPSHOTS, strict=True):
        land(INFERENCE_PROFILES, day, rows)
    land(METRICS_HOURLY, DAYS[2], POINTS)
    land(REQUESTS, DAYS[2], REQUESTS_MADE)
    # the same request once more, as a file read through the door may bring it
    land(REQUESTS, DAYS[1], REQUESTS_MADE[:1])
    commitment = {"commitmentDuration": "OneMonth", "commitmentExpirationTime": datetime(2026, 12, 1, tzinfo=UTC)}
    units = {"modelUnits": 1, "desiredModelUnits": 2, "status": "Updating", "foundationModelArn": arn(HAIKU)}
    unit_arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:provisioned-model/gggggggggggg"
    place = {"account_id": ACCOUNT, "region": REGION, "provisionedModelArn": unit_arn}
    land(PROVISIONED_THROUGHPUTS, DAYS[2], [place | units | commitment])
    made = AwsHome(home)
    selected = [f"+{name}" for name in (*NEW, "int_aws_usage_daily")]
    without = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    finished = made.dbt("build", *without, "--select", *selected)
    assert finished.returncode == 0, finished.stdout[-4000:]
    return made


def test_aws_1_3_several_possible_sources_are_listed_and_none_is_chosen(built: AwsHome) -> None:
    rows = {row["profile_id"]: row for row in built.query("select * from intermediate.int_aws_profile_sources")}
    found = {key: (row["source_candidates"], row["source_id"], row["is_source_ambiguous"]) for key, row in rows.items()}
    assert found == {
        "aaaaaaaaaaaa": ([f"apac.{SONNET}", f"jp.{SONNET}"], None, True),
        "bbbbbbbbbbbb": ([f"global.{HAIKU}"], f"global.{HAIKU}", False),
        "cccccccccccc": ([HAIKU], HAIKU, False),
        "dddddddddddd": ([HAIKU], HAIKU, False),
        "eeeeeeeeeeee": ([], None, False),
        "ffffffffffff": ([], None, False),
    }
    # the model is known although the source is not; of two models behind one profile none is guessed
    assert rows["aaaaaaaaaaaa"]["provider_model_name"] == rows["ffffffffffff"]["provider_model_name"] == SONNET
    assert (rows["eeeeeeeeeeee"]["provider_model_name"], rows["eeeeeeeeeeee"]["is_model_ambiguous"]) == (None, True)


def test_aws_1_2_a_deleted_profile_keeps_its_model_and_every_set_of_tags(built: AwsHome) -> None:
    rows = built.query(
        "select tags, valid_from, valid_to, is_deleted from intermediate.int_aws_profile_versions "
        "where profile_id = 'dddddddddddd' order by valid_from"
    )
    naive = [day.replace(tzinfo=None) for day in DAYS]
    assert [(dict(row["tags"])["team"], row["valid_from"], row["valid_to"]) for row in rows] == [
        ("growth", datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None), naive[1]),
        ("mobile", naive[1], naive[2]),
    ]
    assert all(row["is_deleted"] for row in rows)
    model = built.one(
        "select model, native_team from intermediate.int_aws_workloads where workload_id = 'dddddddddddd'"
    )
    assert model == {"model": "claude-haiku-4-5", "native_team": "mobile"}


def test_aws_1_3_region_less_arns_are_the_global_profile(built: AwsHome) -> None:
    rows = built.query("select workload_id, region_class from intermediate.int_aws_workloads order by workload_id")
    classes = {row["workload_id"]: row["region_class"] for row in rows}
    assert (classes["aaaaaaaaaaaa"], classes["bbbbbbbbbbbb"], classes["cccccccccccc"]) == ("geo", "global", "regional")


def test_aws_1_1_both_arn_prefixes_and_provisioned_models_are_workloads(built: AwsHome) -> None:
    ids = {row["workload_id"] for row in built.query("select workload_id from intermediate.int_aws_workloads")}
    assert {"bbbbbbbbbbbb", f"jp.{SONNET}", "gggggggggggg"} <= ids


def test_aws_2_1_latency_is_a_mean_of_calls_beside_throttles_and_errors(built: AwsHome) -> None:
    first, second = built.query(
        "select * from intermediate.int_aws_latency_hourly where workload_id = 'bbbbbbbbbbbb' order by hour_start"
    )
    assert first["latency_mean_ms"] == Decimal("1125.063")  # 9,000.5 ms over 8 calls, 1,125.0625
    assert first["latency_p90_ms"] == Decimal("2100.250")
    counts = (first["request_count"], first["throttled_count"], first["client_error_count"])
    assert counts == (8, 3, 2)
    assert (second["request_count"], second["latency_mean_ms"]) == (5, None)


def test_latency_is_no_usage(built: AwsHome) -> None:
    row = built.one("select * from intermediate.int_aws_usage_daily where workload_id = 'bbbbbbbbbbbb'")
    counts = (row["request_count"], row["input_tokens"], row["throttled_count"], row["error_count"])
    assert counts == (13, 700, 3, 2)


def test_aws_2_2_a_model_that_is_called_by_its_own_id_is_known_and_one_unheard_of_stays_without_model(
    built: AwsHome,
) -> None:
    rows = built.query(
        "select workload_id, model, region_class from intermediate.int_aws_usage_daily "
        "where workload_id <> 'bbbbbbbbbbbb' order by workload_id"
    )
    assert [tuple(row.values()) for row in rows] == [
        (HAIKU, "claude-haiku-4-5", "regional"),
        ("mistral.unheard-of-v1:0", None, None),
        ("us.amazon.nova-lite-v1:0", "nova-lite", "geo"),
    ]


def test_aws_5_logged_usage_belongs_to_role_profile_and_metadata(built: AwsHome) -> None:
    rows = built.query("select * from intermediate.int_aws_logged_usage order by native_team")
    role, user = f"arn:aws:sts::{ACCOUNT}:assumed-role/gateway", f"arn:aws:iam::{ACCOUNT}:user/alice"
    found = [
        (row["native_team"], row["principal"], row["model"], row["request_count"], row["error_count"]) for row in rows
    ]
    assert sorted(found, key=str) == sorted(
        [
            # two sessions of one role are one principal; the failed call is counted apart
            ("docs", role, "claude-haiku-4-5", 2, 1),
            # what the caller says of a request counts before what the profile says of all
            ("mobile", role, "claude-haiku-4-5", 1, 0),
            (None, user, "claude-sonnet-4-5", 1, 0),
        ],
        key=str,
    )
    docs = next(row for row in rows if row["native_team"] == "docs")
    tokens = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
    assert [docs[name] for name in tokens] == [200, 80, 20, 14]
    assert (docs["workload_id"], docs["input_is_total"], docs["logged_cost_usd"]) == ("bbbbbbbbbbbb", False, None)


def test_aws_5_sessions_are_kept_apart_from_their_role(built: AwsHome) -> None:
    rows = built.query("select session_name from staging.stg_aws_invocation_log__requests order by request_id")
    assert [row["session_name"] for row in rows] == [
        "ana@acme.example", "bo@acme.example", "ana@acme.example", "ana@acme.example", None
    ]  # fmt: skip


def test_aws_4_commitment_and_desired_units_are_kept(built: AwsHome) -> None:
    row = built.one("select * from staging.stg_aws_bedrock__provisioned_throughputs")
    assert (row["model_units"], row["desired_model_units"], row["status"]) == (1, 2, "Updating")
    expires = datetime(2026, 12, 1, tzinfo=UTC).replace(tzinfo=None)
    assert (row["commitment_duration"], row["commitment_expires_at"]) == ("OneMonth", expires)
