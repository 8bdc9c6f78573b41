"""Cost Explorer beside the bill, and what the doctor finds, against the local AWS."""

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingest.config import SourcesConfig
from ingest.sources import aws_cur, aws_cur_audit
from tests.emulator.aws.local_aws import AS_OF, PAYER, LocalAws
from tests.ingest.aws.conftest import MakeContext
from tests.ingest.aws.test_aws_cur_load import true_cost, with_export


@pytest.fixture
def audited(sources: SourcesConfig) -> SourcesConfig:
    section = sources.aws.model_copy(update={"cost_explorer": True})
    return sources.model_copy(update={"aws_section": section})


def asked(home: Path) -> list[dict[str, Any]]:
    files = sorted((home / "landing" / "aws_cur" / "cost_explorer").rglob("part.parquet"))
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def test_aws_3_5_pages_are_followed_and_sum_to_the_bill(
    aws: LocalAws, make_context: MakeContext, audited: SourcesConfig, tmp_path: Path
) -> None:
    context = make_context(config=audited)
    aws_cur_audit.load(context, None)
    rows = asked(tmp_path)
    services = [row for row in rows if row["grouped_by"] == "service"]
    assert sum(Decimal(row["amount"]) for row in services) == true_cost(aws, AS_OF)
    assert {row["estimated"] for row in services if row["start"].month == 10} == {False}
    models = {row["key"] for row in rows if row["grouped_by"] == "model"}
    assert "Claude Sonnet 4.5" in models
    assert not [key for key in models if "$" in key]
    counted = Counter(request.operation for request in aws.faults.requests)["GetCostAndUsage"]
    state = context.landing.read_state("aws_cur", "cost_explorer")
    # two months, two groupings, pages of twelve days: 3 + 3 and 2 + 2
    assert (state["requests"], state["usd"]) == (counted, "0.10") == (10, "0.10")


def test_cost_explorer_is_not_asked_unless_it_is_switched_on(aws: LocalAws, make_context: MakeContext) -> None:
    assert aws_cur_audit.load(make_context(), None) == []
    assert aws.faults.requests == []


def test_settled_months_are_not_paid_for_twice(
    aws: LocalAws, make_context: MakeContext, audited: SourcesConfig
) -> None:
    first = aws_cur_audit.load(make_context(config=audited), None)
    again = aws_cur_audit.load(make_context("run-2", config=audited), None)
    assert [result.window_start.month for result in first] == [10, 11]
    assert [result.window_start.month for result in again] == [11]


def test_aws_3_4_doctor_names_active_and_inactive_tags_of_a_healthy_bill(
    aws: LocalAws, make_context: MakeContext
) -> None:
    found = list(aws_cur.check(make_context()))
    by_aspect = {(finding.aspect, finding.status) for finding in found}
    assert {("reachable", "ok"), ("permitted", "ok"), ("tags", "ok"), ("cost", "ok")} <= by_aspect
    assert not [finding for finding in found if finding.status == "fail"]
    (tags,) = [finding for finding in found if finding.aspect == "tags"]
    assert tags.message.endswith("Active cost allocation tags: environment, product, team; not active: cost-center.")


@pytest.mark.parametrize(("operation", "action"), [("ListObjectsV2", "s3:ListBucket"), ("GetObject", "s3:GetObject")])
def test_doctor_names_the_missing_permission(
    aws: LocalAws, make_context: MakeContext, operation: str, action: str
) -> None:
    aws.faults.add("aws", operation, "forbidden", times=None)
    (failed,) = [finding for finding in aws_cur.check(make_context()) if finding.status == "fail"]
    assert failed.remedy.startswith(f"Grant {action} as in deploy/aws/policy.json, statement ")


def test_doctor_says_what_stays_unknown_without_an_optional_permission(
    aws: LocalAws, make_context: MakeContext
) -> None:
    aws.faults.add("aws", "ListCostAllocationTags", "forbidden", times=None)
    (tags,) = [finding for finding in aws_cur.check(make_context()) if finding.aspect == "tags"]
    assert (tags.status, tags.account) == ("warn", PAYER)
    assert tags.remedy == (
        "The bill is read without it. Grant ce:ListCostAllocationTags as in deploy/aws/policy.json, statement "
        "SeeTheHealthOfBillingExportsAndTags."
    )


def test_doctor_names_the_right_region(aws: LocalAws, make_context: MakeContext, sources: SourcesConfig) -> None:
    config = with_export(sources, region="eu-west-1")
    (failed,) = [finding for finding in aws_cur.check(make_context(config=config)) if finding.status == "fail"]
    assert failed.remedy.startswith("Set region: us-east-1")
