"""Who pays: the tag, else the owner by dated rule, else nobody; what counts as AI spend; and what it is in USD."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.dbt_project.conftest import Home


def spend(built: Home, account: str, **where: Any) -> dict[str, Any]:
    """The only row of an account in the spend mart."""
    conditions = "".join(f" and {column} = '{value}'" for column, value in where.items())
    return built.one(f"select * from fct_spend_daily where sub_account_id = '{account}'{conditions}")


def evidence(row: dict[str, Any]) -> tuple[str | None, ...]:
    return row["team"], row["product"], row["environment"], row["attribution_method"]


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        pytest.param("sub-tagged", ("devtools", "code-review", "prod", "resource_tag"), id="a tag decides"),
        pytest.param(
            "sub-owned-1", ("search", "search-box", None, "owner"), id="without a tag the owner's rule decides"
        ),
        pytest.param(
            "sub-owned-tagged", ("devtools", None, None, "resource_tag"), id="a tag beats a rule, product too"
        ),
        pytest.param(
            "sub-owned-product", ("search", "labelled", None, "owner"), id="a product label stands beside a rule"
        ),
        pytest.param("aws-called", ("devtools", None, None, "principal"), id="who called beats whose account it is"),
        pytest.param("aws-others", ("search", None, None, "owner"), id="a caller that no rule names is the account's"),
        pytest.param("aws-tagged", ("devtools", None, None, "resource_tag"), id="a tag beats the caller"),
        pytest.param("sub-contested-1", ("mobile", None, None, "owner"), id="the lowest priority number wins"),
        pytest.param("sub-contested-2", ("growth", None, None, "owner"), id="the wide rule keeps the rest"),
        pytest.param("sub-grouped", ("support", None, None, "owner"), id="a resource group in whatever case"),
        pytest.param("sub_literal%", ("docs", None, None, "owner"), id="a pattern's signs are text"),
        pytest.param("subXliteralY", ("unallocated", None, None, "unallocated"), id="and not wildcards"),
        pytest.param("sub-pooled", ("risk", None, None, "owner"), id="a rule over any tag, however it is spelled"),
        pytest.param("sub-pooled-request", ("unallocated", None, None, "unallocated"), id="of the best evidence"),
        pytest.param("sub-pooled-blank", ("unallocated", None, None, "unallocated"), id="and a blank tag is none"),
        pytest.param("sub-modelled", ("docs", None, None, "owner"), id="a rule over the model"),
        pytest.param("sub-foreign", ("unallocated", None, None, "unallocated"), id="a rule speaks of its own provider"),
    ],
)
def test_evidence_decides_in_order(built: Home, account: str, expected: tuple[str | None, ...]) -> None:
    assert evidence(spend(built, account)) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("sk-night-1", ("data", None, None, "principal"), id="whose key it is beats whose account"),
        pytest.param("sk-day-1", ("docs", None, None, "owner"), id="a key that no rule names is the account's"),
    ],
)
def test_a_gateways_key_says_who_called(built: Home, key: str, expected: tuple[str | None, ...]) -> None:
    assert evidence(built.one(f"select * from fct_logged_usage_daily where key_id = '{key}'")) == expected


def test_ownership_changes_on_the_first_day_of_the_new_rule(built: Home) -> None:
    rows = built.query(
        "select charge_date, team from fct_spend_daily where sub_account_id = 'sub-sold' order by charge_date"
    )
    assert rows == [
        {"charge_date": date(2026, 11, 9), "team": "risk"},
        {"charge_date": date(2026, 11, 10), "team": "docs"},
    ]


def test_usage_follows_the_same_rules_as_charges(built: Home) -> None:
    row = built.one("select * from fct_tokens_daily where workload_id = 'owned/chat'")
    assert evidence(row) == ("payments", None, "prod", "owner")


def test_what_no_rule_names_and_what_a_rule_excludes_is_out_of_scope_and_still_counted(built: Home) -> None:
    row = spend(built, "sub-nobody")
    assert (row["billed_cost"], row["charge_category"], row["team"]) == (Decimal("0.07"), "Tax", "unallocated")
    usd = built.one(
        "select * from fct_provider_totals"
        " where provider = 'azure' and billing_currency = 'USD' and billing_account_id = '8611537'"
    )
    # the machine, the search unit and the row without a service name
    assert usd["out_of_scope_cost"] == Decimal("123.45") + Decimal("9.99") + Decimal("0.000000000001")
    assert usd["difference"] == 0


def test_a_cloud_without_scope_rules_lands_whole_outside_the_scope(built: Home) -> None:
    for provider in ("aws", "gcp"):
        totals = built.one(
            f"select * from fct_provider_totals where provider = '{provider}' and billing_account_id <> '100000000002'"
        )
        assert (totals["landed_cost"], totals["mart_cost"], totals["out_of_scope_cost"]) == (1, 0, 1)


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        # 3e-12 x 1.5 = 4.5e-12: the even neighbour is 4e-12
        pytest.param("sub-euro", Decimal("0.000000000004"), id="tie to even below"),
        # -3e-12 x 0.5 = -1.5e-12: the even neighbour is -2e-12
        pytest.param("sub-euro-odd", Decimal("-0.000000000002"), id="negative tie to even"),
        pytest.param("sub-yen", None, id="no rate, no dollars"),
    ],
)
def test_dollars_at_the_rate_of_the_bill(built: Home, account: str, expected: Decimal | None) -> None:
    assert spend(built, account)["billed_cost_usd"] == expected


def test_rows_of_one_grain_are_summed_and_a_partly_unknown_sum_is_unknown(built: Home) -> None:
    row = spend(built, "sub-summed", charge_category="Usage")
    assert (row["billed_cost"], row["list_cost"], row["consumed_tokens"]) == (Decimal("0.3"), None, 100_000)
    credit = spend(built, "sub-summed", charge_category="Credit")
    assert (credit["billed_cost"], credit["consumed_tokens"]) == (Decimal("-0.3"), None)
