"""Exported reservation details and transactions through the file door."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ingest.config import load_sources
from ingest.contracts import Context
from ingest.errors import CorruptFile, InferledgerError, SchemaChanged
from ingest.files import open_folder
from ingest.landing import Landing
from ingest.quarantine import quarantine_contract
from ingest.run import Run, day_start
from ingest.settings import Settings
from ingest.sources import azure_reservations

ROOT = Path(__file__).parents[3]
TRANSACTIONS = (
    "\ufeffAmount,ArmSkuName,BillingFrequency,Currency,Description,EventDate,EventType,Quantity,Region,"
    "ReservationOrderId,ReservationOrderName,Term\n"
    "19500,OpenAI_Provisioned_Managed_Global,OneTime,USD,PTU,11/06/2026,Purchase,75,eastus2,ro-monthly-01,m,P1M\n"
    "-100.5,OpenAI_Provisioned_Managed_Global,OneTime,USD,PTU,2026-12-01T00:00:00Z,Refund,1,eastus2,ro-monthly-01,m,P1M\n"
)
DETAILS = (
    "InstanceFlexibilityGroup,InstanceFlexibilityRatio,InstanceId,Kind,ReservationId,ReservationOrderId,ReservedHours,"
    "SkuName,TotalReservedQuantity,UsageDate,UsedHours\n"
    "NA,1,/subscriptions/S/RESOURCEGROUPS/R/providers/Microsoft.CognitiveServices/accounts/a,Reservation,r,o,1800,"
    "OpenAI_Provisioned_Managed_Global,75,2026-11-06,1200.5\n"
)


def context_at(home: Path) -> Context:
    settings = Settings(home=home, config_dir=ROOT / "config")
    run = Run("run-1", day_start(date(2026, 12, 5)))
    return Context(settings, load_sources(ROOT / "config" / "sources.yml"), Landing(settings.landing_root, run), run)


def load(made: Context, folder: Path, **files: str) -> list[Any]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.csv").write_bytes(content.encode("utf-8", "surrogateescape"))
    with open_folder(str(folder), made.settings) as opened:
        return azure_reservations.load_files(made, opened, None)


def test_transactions_and_details_land_by_month(tmp_path: Path) -> None:
    made = context_at(tmp_path / "home")
    load(made, tmp_path / "files", a=TRANSACTIONS, b=DETAILS)
    bought = made.landing.read(azure_reservations.TRANSACTIONS).to_pylist()
    assert [(row["eventType"], Decimal(row["amount"]), row["_window_start"].month) for row in bought] == [
        ("Purchase", Decimal(19500), 11),
        ("Refund", Decimal("-100.5"), 12),
    ]
    (used,) = made.landing.read(azure_reservations.DETAILS).to_pylist()
    assert (used["usedHours"], used["reservationId"], used["_billing_account_id"]) == ("1200.5", "r", "8611537")


def test_a_second_load_or_a_second_copy_changes_nothing(tmp_path: Path) -> None:
    made = context_at(tmp_path / "home")
    load(made, tmp_path / "files", a=TRANSACTIONS)
    assert not any(result.changed for result in load(made, tmp_path / "files", a=TRANSACTIONS, c=TRANSACTIONS))


def test_a_row_that_cannot_be_taken_is_kept_with_its_dollars(tmp_path: Path) -> None:
    made = context_at(tmp_path / "home")
    row = TRANSACTIONS.splitlines()[1]
    more = "".join(f"{row.replace('ro-monthly-01', f'ro-{n}')}\n" for n in range(9))
    bad = row.replace("Purchase", "") + "\n" + row.replace("11/06/2026", "soon") + "\n"
    load(made, tmp_path / "files", a=TRANSACTIONS + more + bad)
    kept = made.landing.read(quarantine_contract("azure_reservations")).to_pylist()
    assert {(row["reason"], row["amount"]) for row in kept} == {
        ("it has no eventType", "19500"),
        ("'soon' is no date", "19500"),
    }


def test_three_equal_purchases_of_one_file_are_three(tmp_path: Path) -> None:
    made = context_at(tmp_path / "home")
    header, row, _ = TRANSACTIONS.splitlines()
    load(made, tmp_path / "files", a="\n".join([header, row, row, row]) + "\n", b="\n".join([header, row]) + "\n")
    bought = made.landing.read(azure_reservations.TRANSACTIONS).to_pylist()
    # the fourth is the first one again: another export that reaches over the same days
    assert [row["amount"] for row in bought] == ["19500"] * 3


def test_equal_details_of_one_file_are_one(tmp_path: Path) -> None:
    made = context_at(tmp_path / "home")
    load(made, tmp_path / "files", b=DETAILS + DETAILS.splitlines()[1] + "\n")
    assert made.landing.read(azure_reservations.DETAILS).num_rows == 1


def test_dates_with_the_day_first_are_refused_and_not_read_as_months(tmp_path: Path) -> None:
    row = TRANSACTIONS.splitlines()[1]
    rows = "".join(f"{row.replace('11/06/2026', f'{day:02}/11/2026')}\n" for day in range(1, 14))
    with pytest.raises(CorruptFile, match=r"a\.csv writes the day before the month \(13/11/2026\)"):
        load(context_at(tmp_path / "home"), tmp_path / "files", a=TRANSACTIONS + rows)


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_purchase_of_an_impossible_year_is_set_apart_with_its_dollars(tmp_path: Path, year: str) -> None:
    made = context_at(tmp_path / "home")
    row = TRANSACTIONS.splitlines()[1]
    more = "".join(f"{row.replace('ro-monthly-01', f'ro-{n}')}\n" for n in range(9))
    load(made, tmp_path / "files", a=TRANSACTIONS + more + row.replace("11/06/2026", f"{year}-01-01") + "\n")
    (kept,) = made.landing.read(quarantine_contract("azure_reservations")).to_pylist()
    assert (kept["reason"], kept["amount"]) == (f"'{year}-01-01' lies outside of the years 2000 to 2199", "19500")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaChanged, match=r"reservation transactions.*missing: Amount"):
        load(context_at(tmp_path / "home"), tmp_path / "files", a=TRANSACTIONS.replace("Amount,", "Sum,"))


def test_a_file_without_a_good_row_lands_nothing(tmp_path: Path) -> None:
    with pytest.raises(CorruptFile, match="None of 2 rows can be taken"):
        load(context_at(tmp_path / "home"), tmp_path / "files", a=TRANSACTIONS.replace("USD", ""))


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_never_crashes_without_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    text = data.draw(st.sampled_from([TRANSACTIONS, DETAILS]))
    place = data.draw(st.integers(0, len(text)))
    insert = data.draw(st.text(max_size=6))
    damaged = data.draw(
        st.sampled_from([text[:place], text[:place] + insert + text[place + len(insert) :], text + text])
    )
    home = tmp_path_factory.mktemp("fuzz")
    made = context_at(home / "home")
    try:
        load(made, home / "files", a=damaged)
    except InferledgerError as error:
        assert error.message and error.remedy
