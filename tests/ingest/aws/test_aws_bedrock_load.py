from datetime import timedelta
from pathlib import Path

import pytest

from ingest.config import SourcesConfig
from ingest.errors import ConfigError, CredentialExpired, InferledgerError, PermissionDenied, SchemaChanged, Unreachable
from ingest.sources import aws_bedrock
from tests.emulator.aws.local_aws import APPS, AS_OF, DATA, LocalAws
from tests.ingest.aws.conftest import MakeContext


def profiles(context, account: str = APPS) -> dict[str, dict]:
    rows = context.landing.read(aws_bedrock.INFERENCE_PROFILES, scope=account).to_pylist()
    return {row["inferenceProfileId"]: row for row in rows if row["type"] == "APPLICATION"}


def test_profiles_land_with_tags_model_and_place(aws: LocalAws, make_context: MakeContext) -> None:
    context = make_context()
    results = aws_bedrock.load(context, None)
    assert {result.scope for result in results} == {"210000000001", "210000000002", "210000000003"}
    tagged, bare = aws.estate["aws-agent-assist"], aws.estate["aws-prototype"]
    row = profiles(context)[tagged.workload_id]
    assert dict(row["tags"]) == {"team": "support", "product": "agent-assist", "environment": "prod"}
    assert (row["account_id"], row["region"]) == (APPS, "eu-west-1")
    assert {model["modelArn"] for model in row["models"]} == set(tagged.model_arns)
    assert profiles(context)[bare.workload_id]["tags"] == []


def test_system_profiles_land_and_are_never_asked_for_tags(aws: LocalAws, make_context: MakeContext) -> None:
    context = make_context()
    aws_bedrock.load(context, None)
    rows = context.landing.read(aws_bedrock.INFERENCE_PROFILES, scope=APPS).to_pylist()
    assert any(row["type"] == "SYSTEM_DEFINED" for row in rows)
    asked = [request.params for request in aws.faults.requests if request.operation == "ListTagsForResource"]
    assert asked
    assert not [one for one in asked if ":inference-profile/" in one["resourceARN"]]


def test_provisioned_model_lands_with_its_units(aws: LocalAws, make_context: MakeContext) -> None:
    context = make_context()
    aws_bedrock.load(context, None)
    (row,) = context.landing.read(aws_bedrock.PROVISIONED_THROUGHPUTS, scope=DATA).to_pylist()
    assert row["provisionedModelArn"] == aws.estate["aws-semantic-search"].arn
    assert (row["modelUnits"], row["status"], row["commitmentDuration"]) == (1, "InService", None)
    assert ("team", "search") in row["tags"]


def test_deleted_profile_stays_in_landing(aws: LocalAws, make_context: MakeContext) -> None:
    earlier, gone = AS_OF - timedelta(days=36), aws.estate["aws-voice-summary-old"].workload_id
    aws.clock.set(earlier)
    aws_bedrock.load(make_context(as_of=earlier), None)
    aws.clock.set(AS_OF)
    context = make_context("run-2")
    aws_bedrock.load(context, None)
    assert dict(profiles(context)[gone]["tags"])["product"] == "voice-summary"


def test_aws_1_2_a_profile_that_only_the_bill_names_is_asked_for_once(aws: LocalAws, make_context: MakeContext) -> None:
    context = make_context()
    named = [["us-east-1", "gonegonegone"], ["us-east-1", "us.anthropic.claude-haiku-4-5-20251001-v1:0"]]
    context.landing.write_state("aws_cur", "workloads", {APPS: named})
    for run in ("run-1", "run-2"):
        aws_bedrock.load(make_context(run), None)
    asked = [one.params for one in aws.faults.requests if one.operation == "GetInferenceProfile"]
    assert [one["account"] for one in asked] == [APPS]
    assert "gonegonegone" not in profiles(context)


def test_second_load_of_a_day_changes_nothing(aws: LocalAws, make_context: MakeContext) -> None:
    assert all(result.changed for result in aws_bedrock.load(make_context(), None))
    assert not any(result.changed for result in aws_bedrock.load(make_context("run-2"), None))


@pytest.mark.parametrize(
    ("operation", "kind", "expected", "says"),
    [
        ("ListInferenceProfiles", "forbidden", PermissionDenied, "Grant bedrock:ListInferenceProfiles"),
        ("ListTagsForResource", "forbidden", PermissionDenied, "Grant bedrock:ListTagsForResource"),
        ("AssumeRole", "forbidden", PermissionDenied, "Grant sts:AssumeRole"),
        ("AssumeRole", "expired", CredentialExpired, "renew"),
        ("ListInferenceProfiles", "wrong_schema", SchemaChanged, "no inferenceProfileSummaries"),
    ],
)
def test_fault_says_what_to_do_and_lands_nothing(
    aws: LocalAws,
    make_context: MakeContext,
    tmp_path: Path,
    operation: str,
    kind: str,
    expected: type[InferledgerError],
    says: str,
) -> None:
    aws.faults.add("aws", operation, kind, times=None)
    with pytest.raises(expected, match=says):
        aws_bedrock.load(make_context(), None)
    assert not list(tmp_path.rglob("part.parquet"))


def test_half_an_answer_is_no_empty_answer(aws: LocalAws, make_context: MakeContext) -> None:
    """botocore reads a JSON body that broke off as an answer without members."""
    aws.faults.add("aws", "ListInferenceProfiles", "cut", times=1)
    context = make_context()
    roomy = context.settings.model_copy(update={"retry_budget_seconds": 30.0})
    aws_bedrock.load(type(context)(roomy, context.config, context.landing, context.run), None)
    assert aws.estate["aws-ticket-triage"].workload_id in profiles(context)


def test_account_without_role_needs_its_own_credentials(
    aws: LocalAws, make_context: MakeContext, sources: SourcesConfig
) -> None:
    bare = tuple(account.model_copy(update={"role_arn": None}) for account in sources.aws.accounts)
    section = sources.aws.model_copy(update={"accounts": bare})
    config = sources.model_copy(update={"aws_section": section})
    with pytest.raises(ConfigError, match="belong to account 100000000001, not to 210000000001"):
        aws_bedrock.load(make_context(config=config), None)


def test_unreachable_endpoint_is_said(aws: LocalAws, make_context: MakeContext) -> None:
    with pytest.raises(Unreachable, match="nobody answers"):
        aws_bedrock.load(make_context(aws_endpoint_url="http://127.0.0.1:9"), None)
