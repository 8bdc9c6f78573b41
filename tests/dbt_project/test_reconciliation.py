"""Metered against billed: each difference lands in its own class, to the last decimal, and nothing is lost."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.dbt_project import reconciliation_cases as cases
from tests.dbt_project.conftest import Home, new_home
from tests.dbt_project.interfaces import capacity_hour

ZERO = Decimal(0)


@pytest.fixture(scope="module")
def reconciled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    priced = {"service_tier": "standard", "context_band": "default", "valid_from": date(2020, 1, 1)}
    config = {
        "list_prices": [priced | {"price_source": "by hand"} | row for row in cases.LIST_PRICES],
        "discounts": cases.DISCOUNTS,
        "scope_rules": [
            {"rule_id": provider, "provider": provider, "field": "service_name", "pattern": "*", "is_in_scope": True,
             "category": "model_api", "priority": 100, "valid_from": date(2020, 1, 1)}
            for provider in ("aws", "gcp", "azure")
        ],
    }  # fmt: skip
    complete = {"complete_through": cases.NEXT, "rows": 1}
    detail = {"region_id": "here", "provider_model_name": "opus", "token_class": "input"}
    on_capacity = capacity_hour(
        "capacity",
        datetime(2026, 11, 11),  # noqa: DTZ001 - the warehouse holds UTC without zone
        provider="aws",
        model="opus",
    )
    rows = {
        "int_aws_usage_daily": cases.metered_rows("aws"),
        "int_aws_charges": cases.billed_rows("aws"),
        "int_aws_capacity_hourly": [on_capacity],
        "int_aws_source_status": [{"source": "aws_cur", "provider": "aws", "account_id": "aws"} | complete],
        "int_gcp_usage_daily": cases.metered_rows("gcp"),
        "int_gcp_charges": cases.billed_rows("gcp"),
        "int_gcp_meter_details": [detail | row for row in cases.METER_DETAILS],
        "int_gcp_source_status": [{"source": "gcp_billing", "provider": "gcp", "account_id": "gcp"} | complete],
        "int_azure_usage_daily": cases.ACCOUNT_USAGE,
        "int_azure_charges": cases.ACCOUNT_CHARGES,
        "int_azure_source_status": [{"source": "azure_cost", "provider": "azure", "account_id": "sub"} | complete],
    }
    home = new_home(tmp_path_factory.mktemp("reconciled"), rows, config)
    select = ("--select", "+fct_residual", "+fct_overcharge", "--indirect-selection", "cautious")
    finished = home.dbt("build", *select, "--exclude-resource-type", "unit_test")
    assert finished.returncode == 0, finished.stdout[-4000:]
    return home


def by_kind(home: Home, table: str, kind: str, amount: str, workload: str) -> dict[str, Decimal]:
    rows = home.query(
        f"select {kind} as kind, sum({amount}) as usd from {table} where workload_id = '{workload}' group by all"
    )
    return {row["kind"]: row["usd"] for row in rows}


def wanted(amounts: dict[str, str]) -> dict[str, Decimal]:
    return {kind: Decimal(amount) for kind, amount in amounts.items()}


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases.CASES])
def test_each_difference_is_classified_to_the_last_decimal(reconciled: Home, case: cases.Case) -> None:
    found = by_kind(reconciled, "fct_residual", "residual_class", "residual_usd", case.name)
    assert found == wanted(dict(case.residual))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases.CASES])
def test_what_the_provider_charged_too_much_is_listed_with_its_dollars(reconciled: Home, case: cases.Case) -> None:
    found = by_kind(reconciled, "fct_overcharge", "overcharge_kind", "overcharge_usd", case.name)
    assert found == wanted(dict(case.overcharge))


def test_what_one_side_lacks_is_unknown_or_none(reconciled: Home) -> None:
    def sides(workload: str) -> dict[str, object]:
        return reconciled.one(
            f"""select metered_tokens, billed_tokens, metered_cost_usd, billed_cost_usd, residual_usd
            from fct_reconciliation where workload_id = '{workload}'"""
        )

    unmetered = {"metered_tokens": None, "billed_tokens": 1_000_000, "metered_cost_usd": None}
    assert sides("never metered") == unmetered | {"billed_cost_usd": Decimal("1.8"), "residual_usd": Decimal("-1.8")}
    late = {"metered_tokens": 1_000_000, "billed_tokens": None, "billed_cost_usd": None}
    assert sides("not billed yet") == late | {"metered_cost_usd": Decimal("1.8"), "residual_usd": Decimal("1.8")}
    assert sides("no rate")["residual_usd"] is None


def test_what_bought_capacity_served_is_not_compared(reconciled: Home) -> None:
    assert reconciled.query("select 1 from fct_reconciliation where workload_id = 'capacity'") == []
    served = reconciled.one("select metered_tokens from fct_reconciliation where workload_id = 'dedicated'")
    assert served == {"metered_tokens": 300_000}


def test_an_account_whose_bill_names_no_deployment_is_compared_as_one(reconciled: Home) -> None:
    rows = reconciled.query(
        """select workload_id, metered_tokens, billed_tokens, residual_usd
        from fct_reconciliation where provider = 'azure'"""
    )
    both = {"metered_tokens": 2_000_000, "billed_tokens": 2_000_000}
    assert rows == [{"workload_id": "shared", **both, "residual_usd": ZERO}]


def test_an_overcharge_says_how_it_was_worked_out(reconciled: Home) -> None:
    row = reconciled.one("select arithmetic from fct_overcharge where workload_id = 'no discount'")
    assert row["arithmetic"] == (
        "1000000 tokens x 2 USD per million = 2 USD charged, due at 1.8 USD per million = 1.8 USD: 0.2 USD too much"
    )


def test_a_residual_carries_the_numbers_that_prove_it(reconciled: Home) -> None:
    row = reconciled.one("select tokens, evidence from fct_residual where workload_id = 'batch'")
    assert row == {
        "tokens": 1_000_000,
        "evidence": "batch: 1000000 tokens at 0.9 USD per million instead of 1.8 USD per million",
    }


def test_midnight_in_california_follows_its_summer_time(reconciled: Home) -> None:
    hours = {
        date(2026, 3, 8): 8,
        date(2026, 3, 9): 7,
        date(2026, 7, 1): 7,
        date(2026, 11, 1): 7,
        date(2026, 11, 2): 8,
        date(2026, 12, 31): 8,
    }
    days = ", ".join(f"date '{day}'" for day in hours)
    compiled = reconciled.dbt(
        "--quiet",
        "compile",
        "--inline",
        f"select day, {{{{ pacific_midnight_hour('day') }}}} as hour from (select unnest([{days}]) as day)",
    )
    assert compiled.returncode == 0, compiled.stdout[-2000:]
    assert {row["day"]: row["hour"] for row in reconciled.query(compiled.stdout)} == hours
