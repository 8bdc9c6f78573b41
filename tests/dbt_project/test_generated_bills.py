"""Whatever a bill holds, the marts lose no cent of it, double none and hide none: many made-up bills in one build."""

import json
from collections import defaultdict
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import pytest

from tests.dbt_project.bills import Bill, Row, draw_bills, hand_made, ownership_rules, parts, scope_rules, splits
from tests.dbt_project.conftest import Home, new_home
from tests.dbt_project.interfaces import landed_totals
from tests.dbt_project.scenario import config_rows
from tests.focus.runner import product_matches

COUNT = 80
PROVIDERS = ("aws", "azure", "gcp", "anthropic", "openai")
ZERO = Decimal(0)


@pytest.fixture(scope="module")
def drawn() -> list[Bill]:
    bills = draw_bills(COUNT)
    assert len(bills) == COUNT
    # the draw holds what the tests are about
    assert {bill.provider for bill in bills} == set(PROVIDERS)
    rows = [row for bill in bills for row in bill.rows]
    assert {row["charge_category"] for row in rows} >= {"Usage", "Purchase", "Tax", "Credit", "Adjustment"}
    assert {row["billing_currency"] for row in rows} == {"USD", "EUR", "GBP", "JPY"}
    assert any(row.get("charge_class") for row in rows)
    return [*bills, hand_made()]


@pytest.fixture(scope="module")
def billed(drawn: list[Bill], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """All bills in one home, built with every data test of the project."""
    rows = [row for bill in drawn for row in bill.rows]
    totals = landed_totals(rows)
    interfaces: dict[str, list[Row]] = {}
    for provider in PROVIDERS:
        interfaces[f"int_{provider}_charges"] = [row for row in rows if row["provider"] == provider]
        interfaces[f"int_{provider}_landed_totals"] = [row for row in totals if row["provider"] == provider]
    rules = {"scope_rules": scope_rules(), "ownership_rules": ownership_rules(), "splits": splits()}
    return new_home(tmp_path_factory.mktemp("bills"), interfaces, config_rows() | rules).build()


def summed(rows: Iterable[Row], *keys: str, amount: str = "billed_cost") -> dict[tuple[Any, ...], Decimal]:
    """Sums of the bills' own rows by some of their columns."""
    sums: dict[tuple[Any, ...], Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        sums[tuple(row[key] for key in keys)] += row[amount]
    return dict(sums)


def marts(billed: Home, sql: str) -> dict[tuple[Any, ...], Any]:
    """Rows of a query, the last column by the others."""
    return {tuple(list(row.values())[:-1]): list(row.values())[-1] for row in billed.query(sql)}


SCOPE = ("billing_account_id", "billing_month", "billing_currency")


def test_marts_sum_to_landing_per_account_month_and_currency(billed: Home, drawn: list[Bill]) -> None:
    rows = [row for bill in drawn for row in bill.rows]
    inside = [row for bill in drawn for row in bill.in_scope]
    keys = ", ".join(SCOPE)
    assert marts(billed, f"select {keys}, landed_cost from fct_provider_totals") == summed(rows, *SCOPE)
    spend = f"select {keys}, sum(billed_cost) from fct_spend_daily where cost_status <> 'estimate' group by all"
    assert marts(billed, spend) == summed(inside, *SCOPE)
    assert billed.query("select * from fct_provider_totals where difference <> 0") == []


def test_allocated_and_unallocated_are_what_was_billed_and_each_cent_has_the_owner_that_the_rules_say(
    billed: Home, drawn: list[Bill]
) -> None:
    owned = [part for bill in drawn for row in bill.in_scope for part in parts(row)]
    by_team = marts(
        billed,
        "select billing_account_id, team, sum(billed_cost) from fct_spend_daily group by billing_account_id, team",
    )
    assert by_team == summed(owned, "billing_account_id", "team")
    for bill in drawn:
        allocated = [cost for (account, _), cost in by_team.items() if account == bill.account]
        assert sum(allocated, ZERO) == sum((row["billed_cost"] for row in bill.in_scope), ZERO), bill


def test_dollars_are_exact_at_the_bills_rate_and_unknown_without_one(billed: Home, drawn: list[Bill]) -> None:
    expected: dict[tuple[Any, ...], Decimal | None] = {}
    for bill in drawn:
        with localcontext(prec=60):
            dollars = [
                None
                if row["usd_per_currency"] is None
                else (row["billed_cost"] * row["usd_per_currency"]).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
                for row in bill.in_scope
            ]
        if dollars:
            expected[(bill.account,)] = None if None in dollars else sum((one or ZERO for one in dollars), ZERO)
    found = marts(
        billed,
        "select billing_account_id, case when count(*) = count(billed_cost_usd) then sum(billed_cost_usd) end "
        "from fct_spend_daily group by billing_account_id",
    )
    assert found == expected


def test_tokens_are_all_there(billed: Home, drawn: list[Bill]) -> None:
    expected = {
        (bill.account,): sum(row.get("consumed_tokens") or 0 for row in bill.in_scope)
        for bill in drawn
        if bill.in_scope
    }
    found = marts(
        billed,
        'select "BillingAccountId", cast(coalesce(sum("ConsumedQuantity") '
        "filter (where \"ConsumedUnit\" = 'Tokens'), 0) as bigint) from focus_cost_and_usage group by 1",
    )
    assert found == expected


def test_the_focus_export_holds_each_charge_with_its_category_and_owner(billed: Home, drawn: list[Bill]) -> None:
    inside = [part for bill in drawn for row in bill.in_scope for part in parts(row)]
    keys = ("billing_account_id", "charge_category", "team", "billing_currency")
    columns = '"BillingAccountId", "ChargeCategory", "x_Team", "BillingCurrency"'
    sums = f'select {columns}, sum("{{}}") from focus_cost_and_usage group by all'
    assert marts(billed, sums.format("BilledCost")) == summed(inside, *keys)
    assert marts(billed, sums.format("EffectiveCost")) == summed(inside, *keys, amount="effective_cost")
    ratio = "cast(coalesce(\"AllocatedMethodDetails\" ->> '$.Elements[0].AllocatedRatio', '1') as decimal(38, 12))"
    assert marts(billed, f"select {columns}, sum({ratio}) from focus_cost_and_usage group by all") == summed(
        inside, *keys, amount="allocated_ratio"
    )
    corrections = billed.one('select count("ChargeClass") as count from focus_cost_and_usage')["count"]
    assert corrections == sum(row.get("charge_class") is not None for row in inside)


def test_price_times_quantity_is_the_cost_and_no_price_is_negative(billed: Home) -> None:
    rows = billed.query(
        'select "ChargeCategory", "PricingQuantity", "ContractedUnitPrice", "ContractedCost", "ListUnitPrice", '
        '"ListCost" from focus_cost_and_usage'
    )
    priced = [row for row in rows if row["ContractedUnitPrice"] is not None]
    assert len(priced) > COUNT
    for row in priced:
        for price, cost in (("ContractedUnitPrice", "ContractedCost"), ("ListUnitPrice", "ListCost")):
            if row[price] is not None:
                assert row[price] >= 0
                assert product_matches(str(row[price]), str(row["PricingQuantity"]), str(row[cost])), row
    taxed = [row for row in rows if row["ChargeCategory"] == "Tax"]
    assert taxed
    assert all(row["PricingQuantity"] is None and row["ListUnitPrice"] is None for row in taxed)


def focus_row(billed: Home, condition: str) -> Row:
    """The only row of the bill made by hand that fits."""
    return billed.one(f"select * from focus_cost_and_usage where \"BillingAccountId\" = 'by-hand' and {condition}")


def test_a_reservation_is_bought_used_and_left_unused(billed: Home) -> None:
    bought = focus_row(billed, "\"ChargeCategory\" = 'Purchase'")
    used = focus_row(billed, "\"CommitmentDiscountStatus\" = 'Used'")
    unused = focus_row(billed, "\"CommitmentDiscountStatus\" = 'Unused'")
    named = ("CommitmentDiscountId", "CommitmentDiscountType", "CommitmentDiscountCategory", "CommitmentDiscountUnit")
    assert {tuple(row[name] for name in named) for row in (bought, used, unused)} == {
        ("ro-1", "Reservation", "Usage", "Hours")
    }
    assert [row["CommitmentDiscountQuantity"] for row in (used, unused)] == [18, 6]
    assert bought["EffectiveCost"] == 0
    # the purchase is spread over what was used and what was not
    assert used["EffectiveCost"] + unused["EffectiveCost"] == bought["BilledCost"] == 12
    assert (used["PricingCategory"], used["ContractedCost"], used["ConsumedQuantity"]) == ("Committed", None, 18)
    assert (unused["ConsumedQuantity"], unused["ConsumedUnit"]) == (None, None)
    assert (bought["ChargeFrequency"], used["ChargeFrequency"]) == ("One-Time", "Usage-Based")


def test_taxes_and_credits_cost_at_list_what_they_cost(billed: Home) -> None:
    tax = focus_row(billed, "\"ChargeCategory\" = 'Tax'")
    assert (tax["ListCost"], tax["ContractedCost"], tax["SkuId"], tax["PricingCategory"]) == (Decimal("0.5"),) * 2 + (
        None,
        None,
    )
    credit = focus_row(billed, "\"ChargeCategory\" = 'Credit'")
    assert (credit["ListCost"], credit["ContractedCost"]) == (-2, -2)


def test_a_token_row_names_model_class_meter_invoice_and_tags(billed: Home) -> None:
    row = focus_row(billed, "\"x_TokenClass\" = 'cache_write_1h'")
    assert json.loads(row["SkuPriceDetails"]) == {
        "x_ModelDeveloper": "OpenAI",
        "x_ModelFamily": "GPT",
        "x_ModelId": "gpt-4o",
        "x_ModelVersion": "4o",
        "x_TokenType": "CacheWrite",
        "x_CacheDuration": "1 Hour",
    }
    assert (row["SkuId"], row["SkuMeter"], row["InvoiceId"]) == ("meter-1", "gpt 4o Inp glbl", "INV-1")
    assert json.loads(row["Tags"]) == {"a": "b"}
    assert (row["ConsumedQuantity"], row["ConsumedUnit"]) == (5000, "Tokens")
    assert (row["PricingQuantity"], row["PricingUnit"], row["ListUnitPrice"]) == (5, "1000 Tokens", Decimal("0.4"))
    assert (row["ContractedUnitPrice"], row["RegionName"], row["SubAccountType"]) == (
        Decimal("0.2"),
        "East US 2",
        "Subscription",
    )
