"""Reservation reports as landed."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from ingest.errors import ConfigError, PermissionDenied
from ingest.run import Window
from ingest.sources import azure_reservations

NOVEMBER = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


def test_summaries_hold_each_reservation_and_day(context):
    made = context()
    azure_reservations.load(made, NOVEMBER)
    rows = made.landing.read(azure_reservations.SUMMARIES).to_pylist()
    # the world begins on the 4th, and the 17th is not seen yet
    assert len(rows) == 2 * 13
    assert {(row["reservationId"], Decimal(row["reservedHours"]), Decimal(row["usedHours"])) for row in rows} == {
        ("ro-monthly-01-a", Decimal(1800), Decimal(1800)),
        ("ro-yearly-01-a", Decimal(720), Decimal(720)),
    }
    assert min(row["usageDate"] for row in rows) == datetime(2026, 11, 4, tzinfo=UTC)


def test_details_sum_to_the_summaries(context):
    made = context()
    azure_reservations.load(made, NOVEMBER)
    used = [
        sum(Decimal(row["usedHours"]) for row in made.landing.read(contract).to_pylist())
        for contract in (azure_reservations.SUMMARIES, azure_reservations.DETAILS)
    ]
    assert used[0] == used[1] > 0


def test_the_second_load_changes_nothing(context):
    made = context()
    azure_reservations.load(made, None)
    assert not any(result.changed for result in azure_reservations.load(made, None))


def test_no_reservation_is_a_normal_answer(context, local):
    local.faults.add("azure", "*", "empty", times=None)
    made = context()
    results = azure_reservations.load(made, NOVEMBER)
    assert [result.rows for result in results] == [0, 0, 0, 0]


def test_a_missing_permission_names_the_billing_role(context, local):
    local.faults.add("azure", "reservation_details", "forbidden")
    with pytest.raises(PermissionDenied, match="billing account 8611537"):
        azure_reservations.load(context(), NOVEMBER)


def test_a_throttle_passes(context, local):
    local.faults.add("azure", "reservation_summaries", "throttle", times=2, retry_after=0.05)
    azure_reservations.load(context(), NOVEMBER)
    assert local.asked("reservation_summaries") == 3


def test_azure_5_purchases_are_the_transactions(context, local):
    made = context()
    azure_reservations.load(made, NOVEMBER)
    rows = made.landing.read(azure_reservations.TRANSACTIONS).to_pylist()
    bill = pq.read_table(local.world.folder("azure") / "cost_rows.parquet").to_pylist()
    bought = {(r["reservation_id"], r["usage_date"]): r["cost"] for r in bill if r["charge_type"] == "Purchase"}
    assert {(r["reservationOrderId"], r["eventDate"].date()): Decimal(r["amount"]) for r in rows} == bought
    assert bought == {("ro-monthly-01", date(2026, 11, 6)): Decimal(75 * 260)}


def test_azure_5_the_inventory_tells_terms_and_counts(context):
    made = context()
    azure_reservations.load(made, NOVEMBER)
    rows = made.landing.read(azure_reservations.RESERVATIONS).to_pylist()
    assert {(row["name"], row["quantity"], row["term"], row["renew"]) for row in rows} == {
        ("ro-monthly-01/ro-monthly-01-a", "75", "P1M", True),
        ("ro-yearly-01/ro-yearly-01-a", "30", "P1Y", False),
    }
    # Azure documents no fixed type for provisioned throughput; it is text
    assert {row["reservedResourceType"] for row in rows} == {"OpenAIPTU"}
    assert made.landing.windows(azure_reservations.RESERVATIONS, "all") == ["2026-11-18"]


def test_azure_8_a_refused_inventory_keeps_the_reports_and_says_so(context, local):
    local.faults.add("azure", "reservations", "forbidden", times=None)
    made = context()
    results = azure_reservations.load(made, NOVEMBER)
    assert {result.stream for result in results} == {"summaries", "details", "transactions"}
    (path,) = (made.settings.home / "landing" / "azure_reservations" / "_status").rglob("part.parquet")
    (status,) = pq.read_table(path).to_pylist()
    assert "'Reservations Reader' at /providers/Microsoft.Capacity" in status["message"]


def test_azure_1_5_a_customer_agreement_is_read_by_billing_profile(context, config, local):
    azure = config.azure.model_copy(update={"billing_profiles": ("ACME-MAIN",)})
    made = context(changed_config=config.model_copy(update={"azure_section": azure}))
    azure_reservations.load(made, NOVEMBER)
    paths = {r.params["path"] for r in local.faults.requests if r.operation.startswith("reservation_")}
    assert all("/billingAccounts/8611537/billingProfiles/ACME-MAIN/" in path for path in paths)
    assert made.landing.read(azure_reservations.TRANSACTIONS).num_rows == 1
    other = config.azure.model_copy(update={"billing_profiles": ("NOT-OURS",)})
    with pytest.raises(ConfigError, match="NOT-OURS"):
        azure_reservations.load(context(changed_config=config.model_copy(update={"azure_section": other})), NOVEMBER)
