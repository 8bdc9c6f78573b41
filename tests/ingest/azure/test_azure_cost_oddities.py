"""Cost files with days, names and neighbours that nobody exports on purpose."""

import gzip
from decimal import Decimal

import pytest

from ingest.errors import CorruptFile
from ingest.sources.azure_cost_shapes import EA
from tests.ingest.azure.exported import export, quarantined, rewrite, total, trust, visible


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_charge_of_an_impossible_year_is_set_apart_with_its_dollars(
    cost_world, cost_context, load_costs, tmp_path, year
):
    path = export(cost_world, tmp_path / "x").parent / "part_0_0001.csv"
    dollars: list[Decimal] = []

    def damage(rows: list[list[str]]) -> list[list[str]]:
        rows[1][rows[0].index("Date")] = f"01/01/{year}"
        dollars.append(Decimal(rows[1][rows[0].index("Cost")]))
        return rows

    rewrite(path, damage)
    trust(path)
    load_costs(tmp_path / "x")
    (apart,) = quarantined(cost_context)
    assert (apart["reason"], Decimal(apart["amount"])) == ("Date is no day", dollars[0])


def test_days_before_months_are_refused(cost_world, cost_context, load_costs, tmp_path):
    path = export(cost_world, tmp_path / "x").parent / "part_0_0001.csv"

    def turn(rows: list[list[str]]) -> list[list[str]]:
        place = rows[0].index("Date")
        for row in rows[1:]:
            month, day, year = row[place].split("/")
            row[place] = f"{day}/{month}/{year}"
        return rows

    rewrite(path, turn)
    trust(path)
    with pytest.raises(CorruptFile, match="writes the day before the month"):
        load_costs(tmp_path / "x")
    assert cost_context.landing.read(EA).num_rows == 0


def test_days_before_months_are_told_by_the_end_of_the_billing_period(cost_world, cost_context, load_costs, tmp_path):
    """The first twelve days of a month read as days of twelve months, but no period ends in a thirtieth month."""
    path = export(cost_world, tmp_path / "x").parent / "part_0_0001.csv"

    def turn(rows: list[list[str]]) -> list[list[str]]:
        places = [rows[0].index(name) for name in ("Date", "BillingPeriodStartDate", "BillingPeriodEndDate")]
        early = [row for row in rows[1:] if int(row[places[0]].split("/")[1]) <= 12]
        for row in early:
            for place in places:
                month, day, year = row[place].split("/")
                row[place] = f"{day}/{month}/{year}"
        return [rows[0], *early]

    rewrite(path, turn)
    trust(path)
    with pytest.raises(CorruptFile, match=r"writes the day before the month \(30/11/2026\)"):
        load_costs(tmp_path / "x")
    assert cost_context.landing.read(EA).num_rows == 0


def test_a_packed_file_is_read_whatever_it_is_called(cost_world, cost_context, load_costs, tmp_path):
    manifest = export(cost_world, tmp_path / "x")
    whole = manifest.with_name("part_0_0001.csv").read_bytes()
    loose = tmp_path / "loose" / "actual"
    loose.mkdir(parents=True)
    (loose / "download").write_bytes(gzip.compress(whole))
    (loose / "logo").write_bytes(b"\x89PNG\r\n\x1a\n")
    load_costs(loose)
    assert total(cost_context) == visible(cost_world)
