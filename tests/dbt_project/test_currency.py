"""Whose rate turns a charge into USD and into the reporting currency, and what happens where there is none."""

from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dbt_project.conftest import Home

PLACES = Decimal("1e-12")


def spend(built: Home, account: str) -> dict[str, object]:
    return built.one(f"select * from fct_spend_daily where sub_account_id = '{account}'")


@pytest.mark.parametrize(
    ("account", "usd"),
    [
        # 900 SEK at 1.20 / 11.25 = 0.106666666667 and at 1.25 / 10
        pytest.param("sub-krona-friday", Decimal("96.0000000003"), id="the rate of the charge date"),
        pytest.param("sub-krona-sunday", Decimal("96.0000000003"), id="a weekend carries Friday's"),
        pytest.param("sub-krona-monday", Decimal("112.5"), id="until the next is published"),
        pytest.param("sub-krona-before", None, id="no rate is taken from a later day"),
        pytest.param("sub-krona-own", Decimal(90), id="the bill's own rate wins"),
        pytest.param("sub-lira-week", Decimal("1.1"), id="seven days old"),
        pytest.param("sub-lira-longer", None, id="eight days old is none"),
        pytest.param("sub-yen", None, id="never published"),
    ],
)
def test_usd_by_the_dated_rate(built: Home, account: str, usd: Decimal | None) -> None:
    row = spend(built, account)
    assert row["billed_cost_usd"] == usd
    assert row["billed_cost"] is not None, "the billing currency stays the truth"


@pytest.mark.parametrize(
    ("account", "euros"),
    [
        pytest.param("sub-dollar", Decimal(4), id="5 USD at 1.25"),
        pytest.param("sub-krona-own", Decimal(72), id="by way of the bill's own dollars"),
        pytest.param("sub-euro", Decimal("0.000000000003"), id="billed in it: as billed"),
        pytest.param("sub-dollar-before", None, id="no rate of the euro yet"),
        pytest.param("sub-yen", None, id="no dollars, no euros"),
    ],
)
def test_the_reporting_currency(built: Home, account: str, euros: Decimal | None) -> None:
    row = spend(built, account)
    assert row["reporting_currency"] == "EUR"
    assert row["billed_cost_reporting"] == euros


def test_a_carried_rate_says_when_it_was_published(built: Home) -> None:
    days = {
        row["rate_date"]: (row["published_on"], row["is_carried"])
        for row in built.query("select * from dim_fx_rate where currency = 'SEK'")
    }
    friday, monday = date(2026, 11, 6), date(2026, 11, 9)
    assert days[friday] == (friday, False)
    assert days[date(2026, 11, 8)] == (friday, True)
    assert days[monday] == (monday, False)
    assert max(days) == date(2026, 11, 16), "a week after the last one"


def test_missing_rates_are_counted_where_sources_are_judged(built: Home) -> None:
    status = built.one("select * from source_status where source = 'fx'")
    assert status["message"] == (
        "4 charges in JPY, SEK, TRY have no rate on their day: their USD amount is unknown, and in no USD total."
    )
    assert status["complete_through"] == date(2026, 11, 16)
    unrated = built.query("select * from fct_fx_conversion where fx_source = 'none'")
    assert sum(row["charges"] for row in unrated) == 4
    assert {row["billed_cost_usd"] for row in unrated} == {None}
    assert {row["fx_source"] for row in built.query("select * from fct_fx_conversion")} == {"bill", "ecb", "none"}


def test_sums_of_a_mart_never_cross_currencies(built: Home) -> None:
    keys = "billing_month, provider, billing_account_id, billing_currency"
    assert built.query(
        f"select {keys} from fct_fx_conversion group by {keys} "
        "having sum(billed_cost) is distinct from (select sum(t.landed_cost) from fct_provider_totals as t "
        "where t.billing_month = fct_fx_conversion.billing_month and t.provider = fct_fx_conversion.provider "
        "and t.billing_account_id = fct_fx_conversion.billing_account_id "
        "and t.billing_currency = fct_fx_conversion.billing_currency)"
    ) == []  # fmt: skip


RATE = st.decimals(min_value="0.0001", max_value="99999", places=5)


@settings(max_examples=200, deadline=None)
@given(pairs=st.lists(st.tuples(RATE, RATE), min_size=1, max_size=20))
def test_a_cross_rate_is_the_exact_ratio_rounded_half_even(
    ratio_sql: str, pairs: list[tuple[Decimal, Decimal]]
) -> None:
    with duckdb.connect() as connection:
        for numerator, denominator in pairs:
            sql = ratio_sql.replace("numerator", f"'{numerator}'").replace("denominator", f"'{denominator}'")
            found = connection.execute(f"select {sql}").fetchall()[0][0]
            scaled = Fraction(numerator) / Fraction(denominator) * 10**12
            assert found == Decimal(round(scaled)).scaleb(-12), (numerator, denominator)


@pytest.fixture(scope="module")
def ratio_sql(compile_inline: Callable[[str], str]) -> str:
    return compile_inline("{{ exact_ratio('numerator', 'denominator') }}")


@pytest.mark.parametrize(("numerator", "expected"), [("0.0000000000015", 2), ("0.0000000000025", 2)])
def test_python_rounds_the_same_tie(numerator: str, expected: int) -> None:
    assert Decimal(numerator).quantize(PLACES, ROUND_HALF_EVEN) == expected * PLACES
