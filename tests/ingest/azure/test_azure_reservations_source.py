"""Reservation reports as landed."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ingest.errors import PermissionDenied
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
    assert [result.rows for result in results] == [0, 0]


def test_a_missing_permission_names_the_billing_role(context, local):
    local.faults.add("azure", "reservation_details", "forbidden")
    with pytest.raises(PermissionDenied, match="billing account 8611537"):
        azure_reservations.load(context(), NOVEMBER)


def test_a_throttle_passes(context, local):
    local.faults.add("azure", "reservation_summaries", "throttle", times=2, retry_after=0.05)
    azure_reservations.load(context(), NOVEMBER)
    assert local.asked("reservation_summaries") == 3
