"""The same month of the AWS bill through every form in which AWS exports it, and what stands on a bill besides.

One home holds them all: each form invoices a payer of its own, so that the rows of `fct_provider_totals` can be laid
side by side.
"""

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from emulator.aws import bill
from emulator.aws.exports import EXPORTS, Export, write_folder
from emulator.world import make_world
from ingest.contracts import Context
from ingest.files import open_folder
from ingest.registry import modules
from ingest.sources import aws_cur
from tests.dbt_project.aws.test_aws_models import AwsHome, run_context
from tests.ingest.aws.bills import CUR2, FOCUS, LEGACY, rows_of, write_csv

NOW = datetime(2026, 11, 7, 6, tzinfo=UTC)
PAYERS = {name: f"90000000000{number}" for number, name in enumerate(EXPORTS)}
SEVERAL, SHAPES, REJECTS, SAMPLE_PAYER = "800000000001", "800000000002", "800000000003", "1234567890123"
SAMPLE = Path(__file__).parents[2] / "data" / "focus" / "focus_1_0_sample_1000.csv.gz"
OPUS, SONNET = "anthropic.claude-opus-4-5-20251101-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"
ROLE = "arn:aws:sts::210000000001:assumed-role/CodeReview"
LISTING = {
    "bill_billing_entity": "AWS Marketplace",
    "line_item_product_code": "4a524th30q694o538qndh9ucht",
    "product": json.dumps({"product_name": "Claude Sonnet 4.5 (Amazon Bedrock Edition)"}),
    "pricing_unit": "Units",
}
SHAPE_ROWS = [
    # what stands on the bill, and what it is
    (
        {"line_item_usage_type": "USE1-NovaPro-output-tokens-flex"},
        ("nova-pro", "output", 1500, "regional", "flex", "flex"),
    ),
    (
        {"line_item_usage_type": "USE1-NovaPro-input-tokens-priority"},
        ("nova-pro", "input", 1500, "regional", "priority", "priority"),
    ),
    (
        {"line_item_usage_type": "USE1-NovaPro-input-tokens-batch"},
        ("nova-pro", "input", 1500, "regional", "batch", "batch"),
    ),
    (
        {"line_item_usage_type": "USE1-NovaPro-latency-optimized-input-tokens"},
        ("nova-pro", "input", 1500, "regional", "latency_optimized", "on_demand"),
    ),
    (
        {"line_item_usage_type": "USE1-NovaPro-reserved-1-month-input-tpm", "pricing_unit": "1K TPM"},
        ("nova-pro", "other", None, None, "reserved", "committed"),
    ),
    (
        {"line_item_usage_type": "USE1-Nova2.0Lite-ProvisionedThroughput-NoCommit-ModelUnits", "pricing_unit": "hour"},
        ("nova-2-lite", "other", None, None, "provisioned", "provisioned"),
    ),
    (
        {
            "line_item_usage_type": f"USW2-{OPUS}-mantle-cache-write-tokens-global-standard",
            "line_item_product_code": "AmazonBedrockService",
        },
        ("claude-opus-4-5", "cache_write_5m", 1500, "global", "standard", "on_demand"),
    ),
    (
        {
            "line_item_usage_type": "USE1-Claude4.5Opus-cache-read-input-token-count-cross-region-global",
            "line_item_product_code": "AmazonBedrockService",
        },
        ("claude-opus-4-5", "cache_read", 1500, "global", "standard", "on_demand"),
    ),
    (
        {
            "line_item_usage_type": "USE1-Claude4.5Opus-cache-write-1h-input-token-count",
            "line_item_product_code": "AmazonBedrockFoundationModels",
        },
        ("claude-opus-4-5", "cache_write_1h", 1500, "regional", "standard", "on_demand"),
    ),
    (
        LISTING | {"line_item_usage_type": "USE1-MP:USE1_InputTokenCount_Global-Units"},
        ("claude-sonnet-4-5", "input", 1500000, "global", "standard", "on_demand"),
    ),
    (
        LISTING
        | {
            "line_item_usage_type": "USE1-MP:USE1_input_tokens_standard-Units",
            "line_item_resource_id": f"arn:aws:bedrock:us-east-1:210000000001:inference-profile/us.{SONNET}",
        },
        ("claude-sonnet-4-5", "input", 1500000, "geo", "standard", "on_demand"),
    ),
    (
        {"line_item_usage_type": "USE1-Mystery9-input-tokens"},
        (None, "input", 1500, "regional", "standard", "on_demand"),
    ),
    # what is billed by another thing than tokens has none, whatever its product
    (
        {"line_item_usage_type": "USE1-NovaCanvas-T2I-1024-Standard", "pricing_unit": "image"},
        (None, "other", None, None, "standard", "on_demand"),
    ),
]


def land(context: Context, folder: Path) -> None:
    with open_folder(str(folder), context.settings) as opened:
        aws_cur.load_files(context, opened, None)


def write_bills(folder: Path, home: Path) -> None:
    bill.write(make_world(home, as_of=NOW, days=8))
    for number, (name, payer) in enumerate(PAYERS.items()):
        write_folder(home / "emulator" / "aws", Export(name, payer, creates_new=number % 2 == 1), NOW, folder / "all")
    one = {"bill_payer_account_id": SEVERAL}
    write_csv(folder / "several" / "cur2.csv", rows_of(CUR2, one | {"line_item_unblended_cost": "3.5"}))
    legacy = {"bill/PayerAccountId": SEVERAL, "lineItem/UnblendedCost": "7"}
    september = {
        "bill/BillingPeriodStartDate": "2026-09-01T00:00:00Z",
        "lineItem/UsageStartDate": "2026-09-02T00:00:00Z",
    }
    write_csv(folder / "several" / "legacy.csv", rows_of(LEGACY, legacy, legacy | september))
    august = {"BillingPeriodStart": "2026-08-01 00:00:00", "ChargePeriodStart": "2026-08-02 00:00:00"}
    focus = {"BillingAccountId": SEVERAL, "BilledCost": "9"}
    write_csv(folder / "several" / "focus.csv", rows_of(FOCUS, focus, focus | august))
    shapes = [
        row | {"bill_payer_account_id": SHAPES, "line_item_line_item_description": str(number)}
        for number, (row, _) in enumerate(SHAPE_ROWS)
    ]
    calls = [
        {"line_item_iam_principal": f"{ROLE}/alice", "tags": json.dumps({"iamPrincipal/team": "devtools"})},
        {"line_item_iam_principal": f"{ROLE}/bob", "tags": json.dumps({"iamPrincipal/team": "devtools"})},
        {
            "line_item_iam_principal": "arn:aws:iam::210000000001:user/carol",
            "tags": json.dumps({"iamPrincipal/team": "devtools"}),
            "resource_tags": json.dumps({"user_team": "docs"}),
        },
    ]
    callers = [call | {"bill_payer_account_id": SHAPES, "line_item_usage_account_id": "210000000009"} for call in calls]
    base = CUR2 | {"line_item_iam_principal": "", "tags": ""}
    write_csv(folder / "shapes.csv", rows_of(base, *shapes, *callers))
    good = [{"bill/PayerAccountId": REJECTS, "lineItem/UnblendedCost": "0.10"}] * 9
    write_csv(folder / "rejects.csv", rows_of(LEGACY, *good, good[0] | {"lineItem/UsageEndDate": "soon"}))
    (folder / SAMPLE.name).write_bytes(SAMPLE.read_bytes())


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsHome]:
    folder, path = tmp_path_factory.mktemp("bills"), tmp_path_factory.mktemp("bills-home")
    write_bills(folder, tmp_path_factory.mktemp("bills-world"))
    context = run_context(path)
    for source in ("config", "prices"):
        for module in modules(source):
            module.load(context, None)
    for part in (
        folder / "all",
        folder / "several",
        folder / "shapes.csv",
        folder / "rejects.csv",
        folder / SAMPLE.name,
    ):
        land(context, part)
    home = AwsHome(path)
    kinds = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    finished = home.dbt("build", "--select", "+fct_provider_totals", "+source_status", *kinds)
    assert finished.returncode == 0, finished.stdout[-4000:]
    yield home


def totals(home: AwsHome, payer: str) -> list[tuple[Any, ...]]:
    rows = home.query(
        "select billing_month, billing_currency, landed_cost, mart_cost, out_of_scope_cost, difference "
        f"from fct_provider_totals where provider = 'aws' and billing_account_id = '{payer}' order by 1"
    )
    return [tuple(row.values()) for row in rows]


@pytest.mark.parametrize("name", [name for name in EXPORTS if name != "cur2"])
def test_aws_3_6_every_form_of_the_bill_gives_the_same_totals(bills: AwsHome, name: str) -> None:
    expected = totals(bills, PAYERS["cur2"])
    assert [row[0].month for row in expected] == [10, 11]
    assert all(row[3] > 0 and row[4] > 0 for row in expected)
    assert totals(bills, PAYERS[name]) == expected


@pytest.mark.parametrize("name", [name for name in EXPORTS if name != "cur2"])
def test_aws_3_7_every_form_of_the_bill_gives_the_same_tokens_and_teams(bills: AwsHome, name: str) -> None:
    def seen(payer: str) -> list[dict[str, Any]]:
        return bills.query(
            "select charge_date, workload_id, native_team, model, token_class, region_class, "
            "sum(consumed_tokens) as tokens, "
            "sum(effective_cost) as cost, sum(list_cost) as list_cost from intermediate.int_aws_charges "
            f"where billing_account_id = '{payer}' and charge_category = 'Usage' group by all order by all"
        )

    assert seen(PAYERS[name]) == seen(PAYERS["cur2"])


def test_aws_3_8_a_period_is_final_once_every_row_of_its_seller_has_an_invoice(bills: AwsHome) -> None:
    rows = bills.query(
        "select billing_account_id as payer, billing_month as month, cost_status from intermediate.int_aws_charges "
        "where starts_with(billing_account_id, '9') group by all order by all"
    )
    final = {(row["payer"], row["month"].month) for row in rows if row["cost_status"] == "final"}
    # FOCUS 1.0 has no invoice id, so nobody can say that its months are final
    assert final == {(payer, 10) for name, payer in PAYERS.items() if not name.startswith("focus-1.0")}


def test_of_several_ways_that_a_month_came_by_the_most_detailed_counts_alone(bills: AwsHome) -> None:
    assert [(row[0], row[2], row[5]) for row in totals(bills, SEVERAL)] == [
        (date(2026, 8, 1), Decimal(9), 0),
        (date(2026, 9, 1), Decimal(7), 0),
        (date(2026, 11, 1), Decimal("3.5"), 0),
    ]


@pytest.mark.parametrize(
    ("number", "expected"), list(enumerate(expected for _, expected in SHAPE_ROWS)),
    ids=[row["line_item_usage_type"] for row, _ in SHAPE_ROWS],
)  # fmt: skip
def test_aws_3_3_what_a_row_is(bills: AwsHome, number: int, expected: tuple[Any, ...]) -> None:
    usage_type = SHAPE_ROWS[number][0]["line_item_usage_type"]
    row = bills.one(
        "select model, token_class, consumed_tokens, region_class, service_tier, pricing_category, provider_model_name "
        f"from intermediate.int_aws_charges where billing_account_id = '{SHAPES}' and sku = '{usage_type}' "
        "and sub_account_id = '210000000001'"
    )
    assert tuple(row.values())[:-1] == expected
    # a model that no seed names stays visible under the bill's own name
    assert row["provider_model_name"] is not None or expected[1] == "other"


def test_aws_5_a_role_is_one_principal_whatever_its_sessions(bills: AwsHome) -> None:
    rows = bills.query(
        "select principal, native_team, native_method, sum(billed_cost) as cost from intermediate.int_aws_charges "
        f"where billing_account_id = '{SHAPES}' and sub_account_id = '210000000009' group by all order by 1"
    )
    assert [tuple(row.values()) for row in rows] == [
        # the resource's own tag goes before the caller's
        ("arn:aws:iam::210000000001:user/carol", "docs", "profile_tag", Decimal("0.0012")),
        (ROLE, "devtools", "principal", Decimal("0.0024")),
    ]


def test_aws_3_9_bill_without_any_ai_lands_whole_and_all_of_it_is_out_of_scope(bills: AwsHome) -> None:
    with gzip.open(SAMPLE, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    own = sum((Decimal(row["BilledCost"]) for row in rows if row["ProviderName"] == "AWS"), Decimal(0))
    assert totals(bills, SAMPLE_PAYER) == [(date(2024, 9, 1), "USD", own, 0, own, 0)]


def test_rows_of_other_providers_are_landed_and_told_but_no_aws_cost(bills: AwsHome) -> None:
    others = {"/providers/Microsoft.Billing/billingAccounts/8611537", "20209880"}
    assert not [row for other in others for row in totals(bills, other)]
    rows = bills.query("select account_id, rows, message from source_status where message like '%another provider%'")
    assert {(row["account_id"], row["rows"]) for row in rows} == set(zip(sorted(others), (51, 7), strict=True))


def test_rejected_row_is_kept_apart_with_its_dollars_and_the_rest_counts(bills: AwsHome) -> None:
    assert [row[2] for row in totals(bills, REJECTS)] == [Decimal("0.90")]
    (apart,) = bills.path.rglob("_quarantine/**/part.parquet")
    row = bills.one(f"select amount, billing_account_id from read_parquet('{apart}')")
    assert row == {"amount": "0.10", "billing_account_id": REJECTS}
