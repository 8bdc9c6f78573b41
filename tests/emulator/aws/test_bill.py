from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emulator.aws import planted
from emulator.aws.bill import write
from emulator.aws.delivery import Delivery
from emulator.world import make_world
from tests.emulator.aws.local_aws import AS_OF, DAYS

BEDROCK = {"AmazonBedrock", "AmazonBedrockService"}


def delivered(home: Path, now: datetime) -> pa.Table:
    """What the bucket's Parquet files hold at `now`, all periods together."""
    bucket: dict[str, bytes] = {}
    Delivery(home / "emulator" / "aws", bucket.__setitem__, bucket.pop).bring_to(now)
    return pa.concat_tables(pq.read_table(BytesIO(body)) for key, body in bucket.items() if key.endswith(".parquet"))


@pytest.fixture(scope="module")
def bill(aws_world: Path) -> list[dict]:
    columns = [
        "line_item_line_item_type", "line_item_product_code", "line_item_usage_type", "line_item_usage_amount",
        "line_item_unblended_cost", "line_item_net_unblended_cost", "line_item_unblended_rate", "pricing_unit",
        "line_item_resource_id", "resource_tags", "bill_billing_entity", "bill_invoice_id", "product",
        "line_item_usage_start_date", "bill_billing_period_start_date", "line_item_usage_account_id",
    ]  # fmt: skip
    return delivered(aws_world, AS_OF).select(columns).to_pylist()


def visible(home: Path, name: str, now: datetime) -> list[dict]:
    rows = pq.read_table(home / "truth" / name).to_pylist()
    return [
        row for row in rows if row["visible_from"] <= now and (row["visible_to"] is None or now < row["visible_to"])
    ]


@pytest.mark.parametrize("days_back", [0, 3, 7, 8, 17], ids=lambda days: f"{days} days before")
def test_files_sum_to_the_truth_at_any_time(aws_world: Path, days_back: int) -> None:
    now = AS_OF - timedelta(days=days_back)
    costs = delivered(aws_world, now)["line_item_unblended_cost"].to_pylist()
    rows = visible(aws_world, "charges.parquet", now) + visible(aws_world, "out_of_scope.parquet", now)
    assert sum(Decimal(repr(cost)) for cost in costs) == sum(row["billed_cost"] for row in rows)


def test_cost_is_quantity_times_rate_to_the_last_digit(bill: list[dict]) -> None:
    tokens = [row for row in bill if row["pricing_unit"] in ("1K tokens", "Units") and row["line_item_unblended_rate"]]
    assert len(tokens) > 10_000
    wrong = {AS_OF.date() + timedelta(days=day) for day in (planted.UNIT_DAY, planted.TIER_DAY)}
    for row in tokens:
        if row["line_item_usage_account_id"] == planted.SANDBOX and row["line_item_usage_start_date"].date() in wrong:
            continue  # billed wrong on purpose
        quantity, rate = Decimal(repr(row["line_item_usage_amount"])), Decimal(row["line_item_unblended_rate"])
        assert Decimal(repr(row["line_item_unblended_cost"])) == quantity * rate


def test_costs_keep_ten_decimals_so_that_a_double_carries_them(bill: list[dict]) -> None:
    for row in bill:
        cost = Decimal(repr(row["line_item_unblended_cost"]))
        assert -cost.as_tuple().exponent <= 10
        assert abs(cost) < 100_000


def test_three_shapes_stand_side_by_side(bill: list[dict]) -> None:
    usage = [row for row in bill if row["line_item_line_item_type"] == "Usage"]
    shapes = {
        (row["bill_billing_entity"], row["pricing_unit"])
        for row in usage
        if row["line_item_product_code"] in BEDROCK or "Bedrock" in dict(row["product"])["product_name"]
    }
    assert shapes == {("AWS", "1K tokens"), ("AWS", "hour"), ("AWS Marketplace", "Units")}
    listings = {row["line_item_product_code"] for row in usage if row["bill_billing_entity"] == "AWS Marketplace"}
    assert len(listings) == 2
    assert all(len(code) == 25 and "Bedrock" not in code for code in listings)


def test_discount_rows_mirror_usage_and_net_to_it(bill: list[dict]) -> None:
    nova = [row for row in bill if row["line_item_product_code"] == "AmazonBedrock" and row["line_item_usage_type"]]
    gross = sum(Decimal(repr(row["line_item_unblended_cost"])) for row in nova)
    net = sum(Decimal(repr(row["line_item_net_unblended_cost"])) for row in nova)
    discount = [row for row in nova if row["line_item_line_item_type"] == "EdpDiscount"]
    assert gross == net
    assert discount
    assert all(row["line_item_unblended_cost"] <= 0 for row in discount)
    assert not [
        row for row in bill if row["line_item_line_item_type"] == "EdpDiscount" and "MP" in row["line_item_usage_type"]
    ]


def test_tax_is_the_rate_on_the_month_so_far(bill: list[dict]) -> None:
    taxed = [row for row in bill if row["line_item_line_item_type"] == "Tax"]
    assert taxed
    assert all(row["line_item_usage_start_date"] == row["bill_billing_period_start_date"] for row in taxed)
    months = {(row["line_item_product_code"], row["line_item_usage_start_date"]) for row in taxed}
    assert len(months) == len(taxed)


def test_bill_holds_everything_else_too(bill: list[dict]) -> None:
    codes = {row["line_item_product_code"] for row in bill}
    assert {"AmazonEC2", "AmazonS3", "AmazonCloudWatch"} < codes
    assert {row["line_item_line_item_type"] for row in bill} == {"Usage", "EdpDiscount", "Tax", "Credit"}


def test_tags_are_there_only_where_they_were_set(bill: list[dict], aws_world: Path) -> None:
    profiles = [row for row in bill if "application-inference-profile" in (row["line_item_resource_id"] or "")]
    keys = {frozenset(dict(row["resource_tags"])) for row in profiles}
    assert keys == {frozenset(), frozenset({"user_team", "user_product", "user_environment"})}
    system = [row for row in bill if ":inference-profile/" in (row["line_item_resource_id"] or "")]
    assert system
    assert not [row for row in system if row["resource_tags"]]


def test_invoice_appears_after_the_month_for_each_seller_apart(aws_world: Path) -> None:
    def invoiced(now: datetime) -> dict[str, bool]:
        rows = delivered(aws_world, now).select(
            ["bill_billing_entity", "bill_invoice_id", "bill_billing_period_start_date"]
        )
        october = [row for row in rows.to_pylist() if row["bill_billing_period_start_date"].month == 10]
        return {row["bill_billing_entity"]: row["bill_invoice_id"] is not None for row in october}

    assert invoiced(datetime(2026, 11, 3, tzinfo=UTC)) == {"AWS": False, "AWS Marketplace": False}
    assert invoiced(datetime(2026, 11, 5, tzinfo=UTC)) == {"AWS": False, "AWS Marketplace": True}
    assert invoiced(AS_OF) == {"AWS": True, "AWS Marketplace": True}


def test_day_is_visible_from_noon_of_the_next(aws_world: Path) -> None:
    def newest(now: datetime) -> date:
        rows = delivered(aws_world, now).select(["line_item_usage_start_date", "line_item_line_item_type"]).to_pylist()
        return max(
            row["line_item_usage_start_date"] for row in rows if row["line_item_line_item_type"] == "Usage"
        ).date()

    assert newest(datetime(2026, 11, 15, 11, 59, tzinfo=UTC)) == date(2026, 11, 13)
    assert newest(datetime(2026, 11, 15, 12, 0, tzinfo=UTC)) == date(2026, 11, 14)


def test_restated_day_costs_more_three_days_later(aws_world: Path) -> None:
    def cost(now: datetime) -> Decimal:
        rows = visible(aws_world, "charges.parquet", now)
        return sum(row["billed_cost"] for row in rows if row["charge_date"] == date(2026, 11, 9))

    first, later = cost(datetime(2026, 11, 12, tzinfo=UTC)), cost(AS_OF)
    assert Decimal("0.97") < first / later < Decimal("0.99")


def test_same_seed_writes_the_same_bill(aws_world: Path, tmp_path: Path) -> None:
    charges, _ = write(make_world(tmp_path, as_of=AS_OF, days=DAYS))
    earlier = pq.read_table(aws_world / "truth" / "charges.parquet")
    assert charges.equals(earlier)
