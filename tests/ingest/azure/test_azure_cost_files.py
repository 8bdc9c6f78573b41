"""Exported cost files through the door: by manifest or without, whole or not at all, and what cannot be taken."""

import csv
import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.contracts import Context
from ingest.errors import ConfigError, CorruptFile, SchemaChanged, Shrunk
from ingest.sources.azure_cost_shapes import EA, FOCUS, MCA
from tests.ingest.azure.conftest import AS_OF
from tests.ingest.azure.exported import ACCOUNT, NOVEMBER, export, quarantined, rewrite, total, trust, visible

SAMPLE = Path(__file__).with_name("focus_sample") / "focus_1_0_microsoft_rows.csv"


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
@pytest.mark.parametrize(
    ("kind", "agreement", "contract", "column", "view"),
    [
        ("ActualCost", "EA", EA, "Cost", "actual"),
        ("AmortizedCost", "EA", EA, "Cost", "amortized"),
        ("ActualCost", "MCA", MCA, "costInBillingCurrency", "actual"),
        ("FocusCost", "EA", FOCUS, "BilledCost", "focus"),
    ],
)
def test_azure_1_4_each_export_lands_whole_in_its_own_stream(
    cost_world, cost_context, load_costs, tmp_path, form, kind, agreement, contract, column, view
):
    export(cost_world, tmp_path / "x", kind=kind, agreement=agreement, form=form, partitions=2)
    (result,) = load_costs(tmp_path / "x")
    assert (result.stream, result.window_start) == (contract.stream, datetime(2026, 11, 1, tzinfo=UTC))
    assert result.scope == f"export-{view}-billing_account-{ACCOUNT}"
    assert total(cost_context, contract, column) == visible(
        cost_world, "AmortizedCost" if view == "amortized" else "ActualCost"
    )
    assert not load_costs(tmp_path / "x")[0].changed


def test_azure_1_4_the_manifest_tells_and_not_the_path(cost_world, cost_context, load_costs, tmp_path):
    manifest = export(cost_world, tmp_path / "x", kind="AmortizedCost", name="named-actual")
    moved = tmp_path / "y" / "some" / "other" / "order"
    moved.mkdir(parents=True)
    for file in manifest.parent.iterdir():
        file.rename(moved / file.name)
    load_costs(tmp_path / "y")
    assert {row["_view"] for row in cost_context.landing.read(EA).to_pylist()} == {"amortized"}


def test_azure_1_4_of_daily_runs_the_newest_counts(cost_world, cost_context, load_costs, tmp_path):
    early = datetime(2026, 11, 16, 6, tzinfo=UTC)
    # the folder of the later run sorts first
    for seen, root in ((AS_OF, "a"), (early, "b")):
        export(cost_world, tmp_path / "x", overwrites=False, seen=seen, root=root)
    assert visible(cost_world, now=early) < visible(cost_world)
    load_costs(tmp_path / "x")
    assert total(cost_context) == visible(cost_world)


def test_azure_1_4_an_unfinished_run_is_passed_over_and_told(cost_world, cost_context, load_costs, tmp_path, caplog):
    export(cost_world, tmp_path / "x", overwrites=False, seen=datetime(2026, 11, 16, 6, tzinfo=UTC))
    export(cost_world, tmp_path / "x", overwrites=False).unlink()
    load_costs(tmp_path / "x")
    assert total(cost_context) == visible(cost_world, now=datetime(2026, 11, 16, 6, tzinfo=UTC))
    status = pq.read_table(f"{cost_context.settings.landing_root}/azure_cost/_status").to_pylist()
    assert "its export is not finished" in status[0]["message"]


def test_azure_1_5_names_count_without_letter_case_and_tags_stay_as_they_came(
    cost_world, cost_context, load_costs, tmp_path
):
    path = export(cost_world, tmp_path / "x").parent / "part_0_0001.csv"
    rewrite(path, lambda rows: [[name.upper() for name in rows[0]], *rows[1:]])
    path.with_name("manifest.json").unlink()
    load_costs(tmp_path / "x")
    rows = cost_context.landing.read(EA).to_pylist()
    assert {row["_scope_kind"] for row in rows} == {"file"}
    assert total(cost_context) == visible(cost_world)
    assert any((row["Tags"] or "").startswith('"environment": "prod","product"') for row in rows)
    assert all(row["Date"][2] == "/" for row in rows)


def test_azure_1_5_a_later_enterprise_file_says_cost_in_billing_currency(
    cost_world, cost_context, load_costs, tmp_path
):
    path = export(cost_world, tmp_path / "x").parent / "part_0_0001.csv"
    later = {"Cost": "CostInBillingCurrency", "BillingCurrency": "BillingCurrencyCode"}
    rewrite(path, lambda rows: [[later.get(name, name) for name in rows[0]], *rows[1:]])
    path.with_name("manifest.json").unlink()
    load_costs(path)
    assert total(cost_context, column="CostInBillingCurrency") == visible(cost_world)


@pytest.mark.parametrize("damage", ["missing", "short", "count", "json", "shape"])
def test_a_delivery_that_is_not_what_its_manifest_says_lands_nothing(
    cost_world, cost_context, load_costs, tmp_path, damage
):
    manifest = export(cost_world, tmp_path / "x", partitions=2)
    content = json.loads(manifest.read_text())
    first = manifest.with_name("part_0_0001.csv")
    if damage == "missing":
        first.unlink()
    elif damage == "short":
        first.write_bytes(first.read_bytes()[:-100])
    elif damage == "count":
        content["dataRowCount"] += 1
    elif damage == "shape":
        del content["runInfo"]
    manifest.write_text("{" if damage == "json" else json.dumps(content))
    with pytest.raises(CorruptFile, match=r"\.(json|csv)"):
        load_costs(tmp_path / "x")
    assert cost_context.landing.read(EA).num_rows == 0


def test_a_row_that_cannot_be_read_is_set_apart_with_its_dollars(cost_world, cost_context, load_costs, tmp_path):
    path = export(cost_world, tmp_path / "x").parent / "part_0_0001.csv"
    bad: list[Decimal] = []

    def damage(rows: list[list[str]]) -> list[list[str]]:
        header = rows[0]
        cost, day, currency = (header.index(name) for name in ("Cost", "Date", "BillingCurrency"))
        rows[1][cost], rows[2][day], rows[3][currency], rows[4][cost] = "1,25", "31/31/2026", "", "NaN"
        bad.extend(Decimal(rows[row][cost]) for row in (2, 3))
        return rows

    rewrite(path, damage)
    trust(path)
    results = load_costs(tmp_path / "x")
    apart = quarantined(cost_context)
    assert [result.rows for result in results if result.stream == "_quarantine"] == [len(apart)]
    assert sorted(row["reason"] for row in apart) == [
        "BillingCurrency is no currency", "Cost is no amount", "Cost is no amount", "Date is no day",
    ]  # fmt: skip
    assert sum(Decimal(row["amount"]) for row in apart if row["amount"]) == sum(bad)
    assert {(row["billing_account_id"], row["billing_month"]) for row in apart} == {(ACCOUNT, NOVEMBER)}
    # mended, nothing is left in quarantine
    export(cost_world, tmp_path / "x")
    load_costs(tmp_path / "x")
    assert quarantined(cost_context) == []
    assert total(cost_context) == visible(cost_world)


def test_a_file_of_which_a_fifth_cannot_be_read_lands_nothing(cost_world, cost_context, load_costs, tmp_path):
    path = export(cost_world, tmp_path / "x").parent / "part_0_0001.csv"
    rewrite(path, lambda rows: [rows[0], *([*row[:13], "?", *row[14:]] for row in rows[1:])])
    trust(path)
    with pytest.raises(CorruptFile, match="rows cannot be taken"):
        load_costs(tmp_path / "x")
    assert cost_context.landing.read(EA).num_rows == 0


def test_a_smaller_delivery_stops(cost_world, load_costs, tmp_path):
    export(cost_world, tmp_path / "x")
    load_costs(tmp_path / "x")
    export(cost_world, tmp_path / "x", seen=datetime(2026, 11, 14, 6, tzinfo=UTC))
    with pytest.raises(Shrunk, match="rows came where"):
        load_costs(tmp_path / "x")


def test_what_a_restatement_takes_back_is_recorded(cost_world, cost_context, load_costs, tmp_path):
    path = export(cost_world, tmp_path / "x").parent / "part_0_0001.csv"
    load_costs(tmp_path / "x")
    rewrite(path, lambda rows: rows[:-3])
    trust(path)
    assert load_costs(tmp_path / "x")[0].gone == 3


def test_two_runs_without_manifest_are_doubted(cost_world, load_costs, tmp_path):
    for seen, name in ((AS_OF, "monday"), (datetime(2026, 11, 16, 6, tzinfo=UTC), "tuesday")):
        export(cost_world, tmp_path / "x", name=name, root="actual", seen=seen).unlink()
    with pytest.raises(ConfigError, match="lies in several folders without a manifest"):
        load_costs(tmp_path / "x")


def test_a_file_that_is_there_twice_is_read_once(cost_world, cost_context, load_costs, tmp_path):
    manifest = export(cost_world, tmp_path / "x")
    part = manifest.with_name("part_0_0001.csv")
    manifest.unlink()
    (part.parent / "copy.csv.gz").write_bytes(gzip.compress(part.read_bytes()))
    load_costs(part.parent)
    assert total(cost_context) == visible(cost_world)


def test_files_of_which_nothing_tells_the_view_are_doubted(cost_world, load_costs, tmp_path):
    for kind, name in (("ActualCost", "one"), ("AmortizedCost", "two")):
        export(cost_world, tmp_path / "x", kind=kind, name=name).unlink()
    with pytest.raises(ConfigError, match="actual or amortized"):
        load_costs(tmp_path / "x")


def test_azure_1_5_real_focus_rows_of_microsoft_land_and_others_are_told(cost_context, load_costs, caplog):
    load_costs(SAMPLE)
    with SAMPLE.open(encoding="utf-8") as stream:
        ours = [row for row in csv.DictReader(stream) if row["ProviderName"] == "Microsoft"]
    assert total(cost_context, FOCUS, "BilledCost") == sum(Decimal(row["BilledCost"]) for row in ours)
    rows = cost_context.landing.read(FOCUS).to_pylist()
    assert len(rows) == len(ours) == 51
    assert {row["CommitmentDiscountId"] for row in rows} == {None}
    assert {row["_window_start"] for row in pq.read_table(_landed(cost_context)).to_pylist()} == {
        datetime(2024, 9, 1, tzinfo=UTC)
    }
    status = pq.read_table(f"{cost_context.settings.landing_root}/azure_cost/_status").to_pylist()
    assert "7 rows of other providers" in status[0]["message"]


def test_a_file_that_is_no_bill_says_what_it_lacks(load_costs, tmp_path):
    (tmp_path / "a.csv").write_text(
        "BillingAccountId,SubscriptionId,Date,MeterCategory,MeterName,Quantity\n1,2,3,4,5,6\n"
    )
    with pytest.raises(SchemaChanged, match=r"looks like cost details of an Enterprise Agreement.*UnitOfMeasure"):
        load_costs(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    with pytest.raises(SchemaChanged, match="is none of: FOCUS export"):
        load_costs(tmp_path / "b.csv")


def test_a_parquet_file_with_floats_and_maps_lands_their_shortest_text(cost_context, load_costs, tmp_path):
    plain = ("BillingAccountId", "ChargeCategory", "ResourceId", "SubAccountId", "PricingCategory")
    columns: dict[str, Any] = {name: ["x"] for name in plain}
    columns |= {
        "BilledCost": [0.1], "EffectiveCost": [1.2e-7], "ConsumedQuantity": [3.0], "BillingCurrency": ["USD"],
        "BillingPeriodStart": pa.array([datetime(2026, 11, 1)], pa.timestamp("us")),  # noqa: DTZ001
        "ChargePeriodStart": pa.array([datetime(2026, 11, 3)], pa.timestamp("us")),  # noqa: DTZ001
        "Tags": pa.array([[("team", "a")]], pa.map_(pa.string(), pa.string())),
    }  # fmt: skip
    pq.write_table(pa.table(columns), tmp_path / "focus.parquet")
    load_costs(tmp_path / "focus.parquet")
    (row,) = cost_context.landing.read(FOCUS).to_pylist()
    assert (row["BilledCost"], row["Tags"], row["ChargePeriodStart"]) == (
        "0.1",
        '{"team": "a"}',
        "2026-11-03T00:00:00.000000",
    )
    assert Decimal(row["EffectiveCost"]) == Decimal("1.2e-7")


def _landed(cost_context: Context) -> str:
    return f"{cost_context.settings.landing_root}/azure_cost/focus_costs"
