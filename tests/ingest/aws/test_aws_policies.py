"""The shipped policies are what the connectors really call: the local AWS refuses whatever they do not grant."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from ingest.aws_policy import STATEMENTS
from ingest.config import SourcesConfig
from ingest.contracts import Context
from ingest.errors import InferledgerError, PermissionDenied
from ingest.sources import aws_bedrock, aws_bedrock_metrics, aws_cur, aws_invocation_log
from tests.emulator.aws.local_aws import PAYER, SANDBOX, LocalAws
from tests.ingest.aws.conftest import ROOT, MakeContext

COLLECTOR, WORKLOAD = "deploy/aws/policy.json", "deploy/aws/workload_policy.json"
OWNERS = {COLLECTOR: PAYER, WORKLOAD: SANDBOX}
PLACEHOLDERS = {
    "YOUR-EXPORT-BUCKET": "acme-billing-exports",
    "YOUR-EXPORT-PREFIX": "cur",
    "YOUR-LOG-BUCKET": "acme-bedrock-logs",
}


def shipped(file: str) -> dict[str, Any]:
    text = (ROOT / file).read_text(encoding="utf-8")
    for name, value in PLACEHOLDERS.items():
        text = text.replace(name, value)
    return json.loads(text)


def without(file: str, statement: str, action: str) -> dict[str, Any]:
    policy = deepcopy(shipped(file))
    for one in policy["Statement"]:
        if one["Sid"] == statement:
            listed = [one["Action"]] if isinstance(one["Action"], str) else one["Action"]
            one["Action"] = [other for other in listed if other != action]
    return policy


@pytest.fixture
def one_account(sources: SourcesConfig) -> SourcesConfig:
    """The sandbox in one region, a day back: what is granted does not depend on how much is read."""
    sandbox = tuple(account for account in sources.aws.accounts if account.id == SANDBOX)
    section = sources.aws.model_copy(update={"accounts": sandbox, "regions": ("us-east-1",), "cost_explorer": True})
    return sources.model_copy(update={"backfill_days": 1, "aws_section": section})


def enforce(aws: LocalAws, **changed: dict[str, Any]) -> None:
    for file, account in OWNERS.items():
        aws.guard.enforce(account, changed.get(account) or shipped(file))


def outcome(call: Callable[[], object]) -> str:
    """What a load said, empty when it worked."""
    try:
        call()
    except InferledgerError as error:
        return str(error)
    return ""


def everything(context: Context) -> list[str]:
    """What every load and every check says that is not well."""
    # the bill names what bedrock's modules know by themselves, so it comes last here
    said = [outcome(lambda m=m: m.load(context, None)) for m in (aws_bedrock, aws_bedrock_metrics, aws_invocation_log)]
    for module in (aws_cur, aws_bedrock, aws_invocation_log):
        said += [f"{one.message} {one.remedy}" for one in module.check(context) if one.status != "ok"]
    return [one for one in said if one]


def test_aws_7_with_the_shipped_policies_everything_works_and_nothing_in_them_is_unused(
    aws: LocalAws, make_context: MakeContext, one_account: SourcesConfig
) -> None:
    enforce(aws)
    context = make_context(config=one_account)
    assert not [one for one in everything(context) if "Grant" in one]
    # an id that the bill names and no list shows makes the one call that a quiet account never needs
    aws_cur.load(context, None)
    refused = [one for one in aws.guard.asked if one.statement is None]
    assert refused == []
    used = {
        (file, one.statement, one.action) for one in aws.guard.asked for file in OWNERS if OWNERS[file] == one.account
    }
    assert used == {(file, sid, action.partition(" @ ")[0]) for action, (file, sid) in STATEMENTS.items()}


@pytest.mark.parametrize("permission", sorted(STATEMENTS))
def test_aws_7_each_action_taken_away_is_named_with_its_line(
    aws: LocalAws, make_context: MakeContext, one_account: SourcesConfig, permission: str
) -> None:
    file, statement = STATEMENTS[permission]
    action = permission.partition(" @ ")[0]
    enforce(aws, **{OWNERS[file]: without(file, statement, action)})
    context = make_context(config=one_account)
    if file == COLLECTOR and not action.startswith("sts:"):
        said = [outcome(lambda: aws_cur.load(context, None)), *(f"{one.remedy}" for one in aws_cur.check(context))]
    else:
        said = [f"{one.message} {one.remedy}" for m in (aws_bedrock, aws_invocation_log) for one in m.check(context)]
    assert [one for one in said if f"Grant {action} as in {file}, statement {statement}." in one]


def test_aws_1_4_tags_are_read_one_by_one_where_the_tagging_api_may_not_be_asked(
    aws: LocalAws, make_context: MakeContext, one_account: SourcesConfig
) -> None:
    context = make_context(config=one_account)
    aws_bedrock.load(context, None)
    asked = [one.params["resourceARN"] for one in aws.faults.requests if one.operation == "ListTagsForResource"]
    # only the profile that was never tagged
    assert asked == [aws.estate["aws-playground"].arn]
    whole = context.landing.read(aws_bedrock.INFERENCE_PROFILES, scope=SANDBOX).select(["inferenceProfileId", "tags"])
    enforce(aws, **{SANDBOX: without(WORKLOAD, "ReadInventoryOfBedrock", "tag:GetResources")})
    again = make_context("run-2", config=one_account)
    assert not any(result.changed for result in aws_bedrock.load(again, None))
    assert (
        again.landing.read(aws_bedrock.INFERENCE_PROFILES, scope=SANDBOX).select(["inferenceProfileId", "tags"])
        == whole
    )


def test_aws_7_a_role_with_an_external_id_is_entered_with_it_alone(
    aws: LocalAws, make_context: MakeContext, one_account: SourcesConfig
) -> None:
    aws.guard.trust(SANDBOX, "acme-7f31")
    with pytest.raises(PermissionDenied, match=r"sts:AssumeRole as in deploy/aws/policy\.json"):
        aws_bedrock.load(make_context(config=one_account), None)
    account = one_account.aws.accounts[0].model_copy(update={"external_id": "acme-7f31"})
    section = one_account.aws.model_copy(update={"accounts": (account,)})
    config = one_account.model_copy(update={"aws_section": section})
    assert [result.rows > 0 for result in aws_bedrock.load(make_context(config=config), None)] == [True, False]


def test_the_guard_refuses_what_it_does_not_understand(aws: LocalAws) -> None:
    odd = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"IpAddress": {}}}]}
    with pytest.raises(ValueError, match="IpAddress"):
        _granted(aws, odd)
    with pytest.raises(ValueError, match="Deny"):
        _granted(aws, {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})


def _granted(aws: LocalAws, policy: dict[str, Any]) -> None:
    from emulator.aws.wire import Caller

    aws.guard.enforce(SANDBOX, policy)
    aws.guard.check(Caller(SANDBOX, "us-east-1", "bedrock"), "ListInferenceProfiles", {})


def test_policies_lie_where_the_messages_say() -> None:
    assert all((Path(ROOT) / file).is_file() for file in OWNERS)
