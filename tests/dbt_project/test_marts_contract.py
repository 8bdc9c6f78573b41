"""The marts hold what they promise: columns and types, worked-out numbers, tests that fail when a number is wrong."""

import json
import shutil
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_project.conftest import AS_OF, Home
from tests.dbt_project.scenario import START

MONEY, RATIO = "DECIMAL(38,12)", "DECIMAL(18,12)"
TEXT = "VARCHAR"
PROMISED = {
    "fct_spend_daily": {
        **dict.fromkeys(("charge_date", "billing_month"), "DATE"),
        **dict.fromkeys(
            (
                *("provider", "billing_account_id", "sub_account_id", "region_id", "service_name", "team", "product"),
                *("environment", "model", "token_class", "pricing_category", "charge_category"),
                *("attribution_method", "cost_status", "billing_currency"),
            ),
            TEXT,
        ),
        **dict.fromkeys(("billed_cost", "effective_cost", "list_cost", "billed_cost_usd", "effective_cost_usd"), MONEY),
        "consumed_tokens": "BIGINT",
    },
    "fct_tokens_daily": {
        "usage_date": "DATE",
        **dict.fromkeys(("provider", "workload_id", "team", "product", "model"), TEXT),
        **dict.fromkeys(
            (
                *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
                *("request_count", "throttled_count", "error_count"),
            ),
            "BIGINT",
        ),
        "estimated_cost_usd": MONEY,
        "input_is_total": "BOOLEAN",
    },
    "fct_capacity_hourly": {
        **dict.fromkeys(("capacity_id", "provider", "unit_kind"), TEXT),
        "hour_start": "TIMESTAMP",
        "units": "DECIMAL(18,6)",
        **dict.fromkeys(("utilization_ratio", "break_even_ratio"), RATIO),
        **dict.fromkeys(
            (
                *("capacity_cost_usd", "used_cost_usd", "idle_cost_usd"),
                *("on_demand_equivalent_usd", "spill_cost_usd"),
            ),
            MONEY,
        ),
    },
    "fct_provider_totals": {
        **dict.fromkeys(("provider", "billing_account_id", "billing_currency"), TEXT),
        "billing_month": "DATE",
        **dict.fromkeys(("landed_cost", "mart_cost", "out_of_scope_cost", "invoice_cost", "difference"), MONEY),
    },
    "fct_budget_status": {
        **dict.fromkeys(("budget_id", "team", "status"), TEXT),
        **dict.fromkeys(("spent", "forecast", "budget"), MONEY),
    },
    "source_status": {
        **dict.fromkeys(("source", "account_id", "message"), TEXT),
        **dict.fromkeys(("watermark", "last_success_at"), "TIMESTAMP"),
        "complete_through": "DATE",
        "rows": "BIGINT",
        "is_stale": "BOOLEAN",
    },
}


@pytest.mark.parametrize("table", sorted(PROMISED))
def test_promised_columns_have_their_promised_types(built: Home, table: str) -> None:
    columns = built.query(
        f"select column_name, data_type from duckdb_columns() where schema_name = 'main' and table_name = '{table}'"
    )
    types = {column["column_name"]: column["data_type"] for column in columns}
    assert {name: types.get(name) for name in PROMISED[table]} == PROMISED[table]


def test_no_published_column_is_a_float_or_a_hugeint(built: Home) -> None:
    slow_or_inexact = built.query(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where schema_name in ('main', 'intermediate') and data_type in ('DOUBLE', 'FLOAT', 'HUGEINT')"
    )
    assert slow_or_inexact == []


def test_the_warehouse_holds_no_absolute_path(built: Home) -> None:
    views = built.query("select view_name, sql from duckdb_views() where not internal")
    assert views
    assert [view["view_name"] for view in views if str(built.path) in view["sql"]] == []


def tokens(built: Home, workload: str) -> dict[str, Any]:
    return built.one(f"select * from fct_tokens_daily where workload_id = '{workload}'")


@pytest.mark.parametrize(
    ("workload", "estimate", "unpriced"),
    [
        # 1 M x 2 + 0.4 M x 1.25 + 0.03 M x 10
        pytest.param("cheap", Decimal("2.8"), 0, id="every class at its own price"),
        pytest.param("dear", Decimal("2.5"), 0, id="the price of the day before it changed"),
        pytest.param("zone", Decimal("13.75"), 0, id="the price of its own region class"),
        pytest.param("zone-cached", None, 7, id="one class without a price hides no number"),
        pytest.param("strange", None, 24, id="an unknown model is never guessed"),
        pytest.param("total", Decimal(1), 0, id="all prompt tokens at the input price"),
        pytest.param("silent", None, 0, id="unknown tokens give no estimate"),
    ],
)
def test_tokens_are_estimated_at_list_price(
    built: Home, workload: str, estimate: Decimal | None, unpriced: int
) -> None:
    row = tokens(built, workload)
    assert (row["estimated_cost_usd"], row["unpriced_tokens"]) == (estimate, unpriced)


def test_unknown_counters_stay_unknown(built: Home) -> None:
    row = tokens(built, "silent")
    assert (row["input_tokens"], row["cache_read_tokens"], row["request_count"]) == (None, None, None)
    assert row["throttled_count"] == 4


def test_regions_of_a_workload_are_one_row(built: Home) -> None:
    row = tokens(built, "split")
    assert (row["input_tokens"], row["request_count"]) == (4, 7)


def test_tokens_on_bought_capacity_are_marked(built: Home) -> None:
    assert tokens(built, "steady")["is_on_capacity"] is True
    assert tokens(built, "cheap")["is_on_capacity"] is False


def hour(built: Home, capacity: str, at: datetime = START) -> dict[str, Any]:
    return built.one(
        f"select * from fct_capacity_hourly where capacity_id = '{capacity}' and hour_start = timestamp '{at}'"
    )


def test_a_half_used_capacity_breaks_even_where_its_own_mix_would_cost_the_same(built: Home) -> None:
    row = hour(built, "steady")
    assert (row["used_cost_usd"], row["idle_cost_usd"]) == (5, 5)
    # half of it serves 4 USD of tokens, so all of it 8; 10 USD need 125 %
    assert (row["on_demand_equivalent_usd"], row["break_even_ratio"]) == (4, Decimal("1.25"))


def test_break_even_forgets_the_mix_of_29_days_ago(built: Home) -> None:
    assert hour(built, "moved")["break_even_ratio"] == Decimal("1.25")
    # 1.6 M x 2.5 + 0.8 M x 10 = 12 USD on half of it
    assert hour(built, "moved", START - timedelta(days=29))["break_even_ratio"] == Decimal("0.416666666667")


def test_the_advertised_band_is_that_of_the_terms_on_sale_that_day(built: Home) -> None:
    row = hour(built, "steady")
    assert (row["advertised_break_even_low"], row["advertised_break_even_high"]) == (
        Decimal("1.2"),
        Decimal("3.333333333333"),
    )
    # until the day before a yearly term was on sale, and input cost 2.5 USD per million
    earlier = hour(built, "moved", START - timedelta(days=29))
    assert earlier["advertised_break_even_low"] == Decimal("0.72")
    assert hour(built, "unpriced")["advertised_break_even_low"] is None


def test_used_money_rounds_to_even_and_idle_takes_the_rest(built: Home) -> None:
    row = hour(built, "tie")
    assert (row["used_cost_usd"], row["idle_cost_usd"]) == (Decimal("0.000000000002"), Decimal("0.000000000003"))


def test_unknown_use_leaves_both_parts_unknown(built: Home) -> None:
    row = hour(built, "unmeasured")
    assert (row["capacity_cost_usd"], row["used_cost_usd"], row["idle_cost_usd"]) == (10, None, None)


def test_an_idle_capacity_is_all_idle_and_has_no_break_even(built: Home) -> None:
    row = hour(built, "idle")
    assert (row["idle_cost_usd"], row["on_demand_equivalent_usd"], row["break_even_ratio"]) == (10, 0, None)


def test_a_model_without_a_price_in_the_capacity_s_scope_has_no_equivalent(built: Home) -> None:
    row = hour(built, "unpriced")
    assert (row["on_demand_equivalent_usd"], row["break_even_ratio"], row["used_cost_usd"]) == (None, None, 5)


def test_spill_is_paid_at_list_price(built: Home) -> None:
    # 1 M x 2 + 0.2 M x 1.25 + 0.01 M x 10
    assert hour(built, "spilling")["spill_cost_usd"] == Decimal("2.35")


def test_a_source_is_stale_once_its_last_complete_day_is_more_than_three_days_back(built: Home) -> None:
    rows = built.query("select account_id, is_stale from source_status where source = 'azure_cost' order by account_id")
    assert rows == [{"account_id": "sub-fresh", "is_stale": False}, {"account_id": "sub-late", "is_stale": True}]


def test_a_source_without_a_bill_shows_its_last_load_and_message(built: Home) -> None:
    row = built.one("select * from source_status where source = 'prices'")
    assert (row["last_success_at"], row["provider"], row["is_stale"]) == (AS_OF.replace(tzinfo=None), None, False)
    assert row["message"] == "2 prices differ between the lists; see price_disagreements."


def test_a_budget_is_judged_by_what_its_month_was_billed(built: Home) -> None:
    rows = built.query("select budget_id, spent, status from fct_budget_status where billing_month = date '2026-11-01'")
    assert {row["budget_id"]: (row["spent"], row["status"]) for row in rows} == {
        "met": (4, "at_risk"),
        "over": (3, "over"),
        "inside": (1, "ok"),
        "untouched": (0, "ok"),
        "yen-inside": (None, None),
        "euro": (None, None),
    }


BREAKAGE = {
    "assert_marts_sum_to_landing": "update fct_provider_totals set difference = 0.000000000001 where provider = 'aws'",
    "assert_allocated_and_unallocated_sum_to_billed": (
        "update fct_spend_daily set billed_cost = billed_cost + 0.000000000001 where sub_account_id = 'sub-tagged'"
    ),
    "assert_every_charge_is_decided_and_attributed_once": (
        "insert into intermediate.int_usage_attributed select * from intermediate.int_usage_attributed limit 1"
    ),
    "assert_used_and_idle_sum_to_capacity_cost": (
        "update fct_capacity_hourly set idle_cost_usd = idle_cost_usd - 0.000000000001 where capacity_id = 'idle'"
    ),
    "assert_tokens_are_priced_or_unpriced": (
        "update fct_tokens_daily set unpriced_tokens = 1 where workload_id = 'cheap'"
    ),
    "assert_estimates_are_not_billed": (
        "update fct_spend_daily set workload_id = 'unbilled' where workload_id = 'half-billed'"
    ),
    "assert_movements_sum_to_what_moved": (
        "insert into fct_closed_month_movement values "
        "('2026-10-01', 'aws', 'docs', 'billed_cost', 'USD', 'late_row', 0.000000000001)"
    ),
    "assert_statements_sum_to_totals": (
        "update fct_statement_line set billed_cost = billed_cost + 0.000000000001 where team = 'devtools'"
    ),
    "assert_residuals_sum_to_metered_minus_billed": (
        "update fct_residual set residual_usd = residual_usd + 0.000000000001"
    ),
    "assert_focus_rows_sum_to_spend": (
        "update fct_spend_daily set billed_cost = billed_cost + 0.000000000001 where sub_account_id = 'sub-owned-1'"
    ),
    "assert_parts_sum_to_their_charge": (
        "update intermediate.int_charges_attributed set effective_cost = effective_cost + 0.000000000001 "
        "where sub_account_id = 'sub-tagged'"
    ),
    "assert_usage_parts_sum_to_their_day": (
        "update intermediate.int_usage_attributed set input_tokens = input_tokens + 1 where workload_id = 'cheap'"
    ),
    "assert_token_counters_are_disjoint": "update fct_tokens_daily set cache_read_tokens = 1 where input_is_total",
}


def test_every_invariant_fails_when_its_number_is_broken(built: Home, tmp_path: Path) -> None:
    broken = Home(tmp_path / "broken")
    shutil.copytree(built.path, broken.path)
    with duckdb.connect(str(broken.warehouse)) as connection:
        for statement in BREAKAGE.values():
            connection.execute(statement)
    finished = broken.dbt("test", "--select", "test_type:singular")
    results = json.loads((broken.path / "target" / "run_results.json").read_text())["results"]
    outcome = {result["unique_id"].split(".")[2]: result["status"] for result in results}
    assert finished.returncode == 1
    assert {name for name, status in outcome.items() if status == "fail"} == set(BREAKAGE)
    ours = {path.stem for path in (broken.project / "tests").glob("assert_*.sql")}
    assert ours == set(BREAKAGE), "a test of an invariant needs a breakage that proves it can fail"
