"""What is used and not billed yet stands beside the bill, once, and the bill takes its place."""

from datetime import date
from decimal import Decimal

from tests.dbt_project.conftest import Home


def test_only_a_scope_day_that_no_bill_has_reached_is_estimated(built: Home) -> None:
    rows = built.query(
        "select distinct workload_id, charge_date from fct_spend_daily where cost_status = 'estimate' order by 1"
    )
    # not: half-billed (a row of its bill is there), whole-billed (its account's bill names no workload), complete (the
    # bill of that day is whole, so what it lacks is a finding, not an estimate), units (bought by the hour)
    assert [(row["workload_id"], row["charge_date"].day) for row in rows] == [
        ("slowest", 15),
        ("unbilled", 16),
        ("unpriced", 16),
    ]


def test_an_estimate_is_tokens_at_list_and_contract_price_and_has_no_billed_cost(built: Home) -> None:
    rows = built.query(
        "select * from fct_spend_daily where workload_id = 'unbilled' and cost_status = 'estimate' order by token_class"
    )
    # 7 x 1.25, 2,000,000 x 2 and 100,000 x 10 USD per million
    expected = {"cache_read": Decimal("0.00000875"), "input": Decimal(4), "output": Decimal(1)}
    assert {row["token_class"]: row["list_cost"] for row in rows} == expected
    assert {row["token_class"]: row["effective_cost_usd"] for row in rows} == expected
    assert {(row["billed_cost"], row["billed_cost_usd"], row["billing_currency"]) for row in rows} == {
        (None, None, "USD")
    }
    assert {(row["billing_month"], row["charge_category"]) for row in rows} == {(date(2026, 11, 1), "Usage")}


def test_an_estimate_without_a_price_is_unknown_and_visible(built: Home) -> None:
    row = built.one("select * from fct_spend_daily where workload_id = 'unpriced' and cost_status = 'estimate'")
    assert (row["effective_cost"], row["list_cost"], row["consumed_tokens"]) == (None, None, 5)


def test_estimates_change_no_total_of_the_bill(built: Home) -> None:
    assert built.query("select * from fct_provider_totals where difference is distinct from 0") == []
    spent = built.one("select spent from fct_budget_status where budget_id = 'met' and billing_month = '2026-11-01'")
    assert spent["spent"] == 4
