"""The bill that the local Google Cloud writes: its shape, its arithmetic, and that the truth is what it says."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from emulator.gcp import bill
from emulator.world import make_world


@pytest.fixture(scope="module")
def rows(generated):
    return pq.read_table(generated.world.folder("gcp") / "export.parquet").to_pylist()


@pytest.fixture(scope="module")
def sql(generated):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE VIEW export AS FROM read_parquet('{generated.world.folder('gcp') / 'export.parquet'}')")
    connection.register("charges", generated.charges)
    connection.register("out_of_scope", generated.out_of_scope)
    connection.register("usage", generated.world.usage)
    yield lambda query: connection.sql(query).fetchall()
    connection.close()


def _tokens(rows, sku, **wanted):
    return [row for row in rows if row["sku"]["description"].strip() == sku and not row["adjustment_info"]["id"]]


def test_cost_is_tokens_at_contract_price_in_euro_to_the_micro(rows):
    found = _tokens(rows, "Gemini 2.5 Flash Lite Text Output - Predictions")
    rates = {"202609": Decimal("0.8549"), "202610": Decimal("0.8617"), "202611": Decimal("0.8639")}
    assert {row["invoice"]["month"] for row in found} == set(rates)
    for row in (row for row in found if row["cost_type"] == "regular"):
        exact = Decimal(row["usage"]["amount"]) * Decimal("0.40") / 1_000_000 * rates[row["invoice"]["month"]]
        assert abs(Decimal(repr(row["cost_at_list"])) - exact) <= Decimal("0.0000005")
        assert abs(Decimal(repr(row["cost"])) - exact * Decimal("0.95")) <= Decimal("0.0000005")
        assert row["currency_conversion_rate"] == float(rates[row["invoice"]["month"]])


def test_every_cost_has_six_decimals_and_is_a_truth_row(rows, sql):
    assert all(Decimal(repr(row["cost"])) == round(Decimal(repr(row["cost"])), 6) for row in rows)
    billed = sum(Decimal(repr(row["cost"])) for row in rows)
    credited = sum(Decimal(repr(credit["amount"])) for row in rows for credit in row["credits"])
    truth = sql("SELECT sum(billed_cost) FROM (FROM charges UNION ALL FROM out_of_scope)")[0][0]
    assert billed + credited == truth


def test_the_price_step_raises_one_models_price_from_its_day(generated, rows):
    step = generated.world.incident("price_change")
    found = _tokens(rows, "Gemini 2.5 Pro GA Text Input - Predictions")
    prices = {row["usage_start_time"].date() >= step.start_date: row["price"]["list_price"] for row in found}
    assert prices[True] == pytest.approx(prices[False] * Decimal("1.6"), rel=Decimal("0.01"))


def test_days_of_the_late_incident_reach_the_export_after_the_clock(generated, sql):
    late = generated.world.incident("late_data")
    found = sql(f"""
        SELECT DISTINCT usage_start_time::DATE FROM export
        WHERE service.description <> 'Compute Engine' AND service.description <> 'BigQuery'
            AND export_time > TIMESTAMPTZ '{generated.world.as_of.isoformat()}'
            AND usage_start_time < TIMESTAMPTZ '2026-11-17 00:00:00+00'
        ORDER BY 1
    """)
    assert [day for (day,) in found] == [date(2026, 11, day) for day in (14, 15, 16)]
    assert (late.start_date, late.end_date) == (date(2026, 11, 14), date(2026, 11, 16))


def test_a_restated_day_is_billed_wrong_taken_back_and_billed_again(generated, sql):
    rows = sql("""
        SELECT usage.amount, cost, export_time, adjustment_info.type FROM export
        WHERE sku.id = 'FDAB-647C-5A22' AND usage_start_time = TIMESTAMPTZ '2026-11-09 12:00:00+00'
            AND list_contains(list_transform(labels, lambda l: l.value), 'photo-captions')
        ORDER BY export_time, cost DESC
    """)
    assert [kind for *_, kind in rows] == [None, "USAGE_CORRECTION", "USAGE_CORRECTION"]
    (wrong, wrong_cost, first, _), (again, again_cost, later, _), (back, back_cost, _, _) = rows
    assert (back, back_cost) == (-wrong, -wrong_cost)
    assert wrong == again * 108 // 100
    assert again_cost < wrong_cost
    assert (later - first).days >= 2
    used = sql("""
        SELECT input_tokens FROM usage
        WHERE stream_id = 'gcp-photo-captions' AND hour_start = TIMESTAMPTZ '2026-11-09 12:00:00+00'
    """)
    assert again == used[0][0]


def test_a_correction_of_october_lands_on_novembers_invoice(sql):
    found = sql("""
        SELECT invoice.month, sum(cost) < 0 FROM export
        WHERE adjustment_info.type = 'PRICE_CORRECTION' AND usage_start_time < TIMESTAMPTZ '2026-11-01 00:00:00+00'
        GROUP BY 1
    """)
    assert found == [("202611", True)]


def test_months_close_at_midnight_pacific_and_partner_usage_can_miss_them(rows):
    pacific = ZoneInfo("America/Los_Angeles")
    for row in rows:
        if row["cost_type"] != "regular" or row["adjustment_info"]["id"]:
            continue
        local = row["usage_start_time"].astimezone(pacific)
        if row["invoice"]["publisher_type"] == "GOOGLE":
            assert row["invoice"]["month"] == local.strftime("%Y%m")
    rolled = [row for row in rows if row["invoice"]["publisher_type"] == "PARTNER"]
    late_october = [row for row in rolled if row["usage_start_time"].astimezone(pacific).strftime("%m%d%H") == "103121"]
    assert {row["invoice"]["month"] for row in late_october} == {"202611"}


def test_partner_and_provisioned_rows_carry_no_labels(rows):
    claude = [row for row in rows if row["service"]["description"] == "Claude Sonnet 4.5"]
    flat = [row for row in rows if "Provisioned Throughput" in row["sku"]["description"]]
    assert len(claude) > 0
    assert not any(row["labels"] for row in [*claude, *flat])
    assert {row["subscription"]["instance_id"] for row in flat} == {"gsu-search-01"}
    assert {row["usage"]["unit"] for row in _tokens(rows, "Gemini 2.5 Flash GA Text Input - Predictions")} == {
        "requests"
    }


def test_the_throughput_order_costs_its_monthly_price_spread_over_the_days(rows):
    flat = [row for row in rows if "Provisioned Throughput" in row["sku"]["description"]]
    october = [row for row in flat if row["invoice"]["month"] == "202610" and row["usage_start_time"].month == 10]
    daily = round(Decimal(2700) * 3 / 31 * Decimal("0.8617"), 6)
    assert {Decimal(repr(row["cost"])) for row in october} == {daily}


def test_two_credits_can_lie_on_one_row(rows):
    both = [row for row in rows if len(row["credits"]) == 2]
    assert {tuple(credit["type"] for credit in row["credits"]) for row in both} == {("PROMOTION", "DISCOUNT")}
    assert all(credit["amount"] < 0 for row in both for credit in row["credits"])
    assert {row["project"]["id"] for row in both} == {"acme-mobile-prod"}


def test_the_partition_is_the_export_day(rows):
    assert all(row["_PARTITIONTIME"].date() == row["export_time"].astimezone(UTC).date() for row in rows)
    assert all(row["export_time"] > row["usage_end_time"] for row in rows if row["cost_type"] == "regular")


def test_usage_truth_holds_served_tokens_whoever_pays_for_them(generated):
    truth = bill.usage_truth(generated.world)
    usage = generated.world.usage
    streams = pa.array([stream.id for stream in generated.world.organisation.of("gcp")])
    ours = usage.filter(pc.is_in(usage["stream_id"], streams))
    for column in ("input_tokens", "output_tokens", "cache_read_tokens", "request_count"):
        assert pc.sum(truth[column]) == pc.sum(ours[column])


def test_the_same_seed_writes_the_same_bill(generated, tmp_path):
    again = make_world(tmp_path, days=56)
    charges, _ = bill.write(again)
    assert charges.equals(generated.charges)
    assert datetime(2026, 11, 18, 6, tzinfo=UTC) == again.as_of
