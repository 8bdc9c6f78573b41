"""The bill itself: prices, blocks, reservations, restatement, and that its truth adds up."""

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from emulator.azure.capacity import add_months
from emulator.azure.catalog import load_catalog


@pytest.fixture(scope="module")
def rows(written) -> pa.Table:
    return pq.read_table(written.world.folder("azure") / "cost_rows.parquet")


def ask(rows: pa.Table, charges: pa.Table, sql: str) -> list[tuple]:
    with duckdb.connect() as database:
        database.register("cost", rows)
        database.register("truth", charges)
        return database.execute(sql).fetchall()


@pytest.mark.parametrize(
    ("model", "sku", "token_class", "name", "unit", "usd_per_mtok"),
    [
        ("gpt-4.1", "GlobalStandard", "input", "gpt 4.1 Inp glbl Tokens", "1K", "1.90"),
        ("gpt-4.1", "GlobalBatch", "output", "gpt 4.1 Batch Outp glbl Tokens", "1K", "3.80"),
        (
            "gpt-4o-mini",
            "DataZoneStandard",
            "cache_read",
            "gpt 4o mini 0718 cached Inp Data Zone Tokens",
            "1K",
            "0.078375",
        ),
        ("gpt-5", "GlobalStandard", "output", "GPT 5 outpt Glbl 1M Tokens", "1M", "9.50"),
    ],
)
def test_a_meter_costs_its_list_price_by_scope_and_batch_less_five_percent(
    model, sku, token_class, name, unit, usd_per_mtok
):
    meter = load_catalog().meter(model, sku, token_class)
    assert (meter.name, meter.unit, meter.usd_per_mtok) == (name, unit, Decimal(usd_per_mtok))


def test_quantities_are_blocks_of_their_unit(written, rows):
    day = written.world.day(-3)
    found = ask(rows, written.charges, f"""
        select meter, unit, quantity, cost from cost
        where metric = 'ActualCost' and usage_date = date '{day}'
            and meter in ('gpt 4.1 Inp glbl Tokens', 'GPT 5 Inpt Glbl 1M Tokens') order by meter
    """)  # fmt: skip
    usd_per_block = {"GPT 5 Inpt Glbl 1M Tokens": Decimal("1.1875"), "gpt 4.1 Inp glbl Tokens": Decimal("0.0019")}
    assert [(meter, unit) for meter, unit, _, _ in found] == [
        ("GPT 5 Inpt Glbl 1M Tokens", "1M"),
        ("gpt 4.1 Inp glbl Tokens", "1K"),
    ]
    for meter, _, quantity, cost in found:
        assert abs(quantity * usd_per_block[meter] - cost) <= Decimal("0.00000001")


def test_truth_adds_up_to_the_actual_rows_of_every_version(written, rows):
    everything = pa.concat_tables([written.charges, written.out_of_scope])
    differences = ask(rows, everything, """
        with billed as (
            select usage_date as day, visible_from, visible_to, sum(cost) as cost
            from cost where metric = 'ActualCost' group by all
        ), owed as (
            select charge_date as day, visible_from, visible_to, sum(billed_cost) as cost from truth group by all
        )
        select * from billed full join owed
            on billed.day = owed.day and billed.visible_from = owed.visible_from
            and billed.visible_to is not distinct from owed.visible_to
        where billed.cost is distinct from owed.cost
    """)  # fmt: skip
    assert differences == []
    assert rows.num_rows > 5000


def test_a_day_is_seen_the_next_evening_and_one_is_seen_again_dearer_three_days_later(written, rows):
    day = written.world.day(-9)
    versions = ask(rows, written.charges, f"""
        select visible_from, visible_to, sum(cost) from cost
        where metric = 'ActualCost' and usage_date = date '{day}' and unit in ('1K', '1M') group by all order by 1
    """)  # fmt: skip
    (first_from, first_to, first), (second_from, second_to, second) = versions
    assert first_from.isoformat() == f"{day + timedelta(days=1)}T20:00:00+00:00"
    assert first_to == second_from == first_from + timedelta(days=3)
    assert second_to is None
    assert Decimal("0.96") < first / second < Decimal("0.98")


def test_amounts_have_at_most_eight_decimals_and_survive_a_double(rows):
    for cost in rows.column("cost").to_pylist():
        assert Decimal(repr(float(cost))) == cost


def test_an_amortized_day_costs_its_share_of_the_month(written, rows):
    day = written.world.day(-3)
    found = ask(rows, written.charges, f"""
        select reservation_id, sum(cost) from cost
        where metric = 'AmortizedCost' and usage_date = date '{day}' and pricing_model = 'Reservation'
        group by 1 order by 1
    """)  # fmt: skip
    monthly = (Decimal(75 * 260) / 30).quantize(Decimal("0.00000001"))
    yearly = (Decimal(30 * 2652) / 365).quantize(Decimal("0.00000001"))
    assert [(order, Decimal(cost)) for order, cost in found] == [("ro-monthly-01", monthly), ("ro-yearly-01", yearly)]


def test_a_purchase_is_only_actual_and_belongs_to_no_subscription(written, rows):
    purchases = rows.filter(pc.equal(rows.column("charge_type"), "Purchase"))
    bought = add_months(written.world.day(-104), 3)
    assert purchases.column("usage_date").to_pylist() == [bought]
    assert purchases.column("cost").to_pylist() == [Decimal("19500.00000000")]
    assert purchases.column("metric").to_pylist() == ["ActualCost"]
    assert purchases.column("subscription_id").to_pylist() == [""]


def test_covered_use_is_billed_dust_and_costs_its_share(written, rows):
    covered = ask(rows, written.charges, """
        select metric, max(cost) from cost
        where charge_type = 'Usage' and pricing_model = 'Reservation' group by 1 order by 1
    """)  # fmt: skip
    (_, billed), (_, amortized) = covered
    assert Decimal(0) < billed < Decimal("0.00001")
    assert amortized > 100


def test_a_month_is_added_to_the_last_day_of_a_shorter_month():
    assert add_months(date(2026, 8, 31), 1) == date(2026, 9, 30)
    assert add_months(date(2026, 12, 6), 1) == date(2027, 1, 6)
