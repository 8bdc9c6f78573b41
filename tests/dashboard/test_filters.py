"""Periods, and filters that live in the URL."""

import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from dashboard import filters
from tests.dashboard.conftest import OpenPage, words

END = date(2026, 11, 17)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("7d", ("2026-11-10", "2026-11-17", "2026-11-03", "2026-11-10")),
        ("30d", ("2026-10-18", "2026-11-17", "2026-09-18", "2026-10-18")),
        ("month", ("2026-11-01", "2026-11-17", "2026-10-01", "2026-10-17")),
        ("last-month", ("2026-10-01", "2026-11-01", "2026-09-01", "2026-10-01")),
    ],
)
def test_period_is_compared_with_the_one_before(choice: str, expected: tuple[str, ...]) -> None:
    chosen = filters.period(choice, complete_end=END)
    assert (chosen.start_day, chosen.end_day, chosen.before_start, chosen.before_end) == tuple(
        date.fromisoformat(day) for day in expected
    )


def test_month_is_never_compared_with_days_of_itself() -> None:
    chosen = filters.period("month", complete_end=date(2026, 4, 1))
    assert (chosen.start_day, chosen.end_day) == (date(2026, 3, 1), date(2026, 4, 1))
    assert (chosen.before_start, chosen.before_end) == (date(2026, 2, 1), date(2026, 3, 1))


def test_chosen_days_include_the_last_one() -> None:
    chosen = filters.period("custom", complete_end=END, custom=(date(2026, 11, 2), date(2026, 11, 4)))
    assert (chosen.end_day - chosen.start_day).days == 3
    assert (chosen.before_start, chosen.before_end) == (date(2026, 10, 30), date(2026, 11, 2))


def test_half_chosen_days_fall_back_to_thirty() -> None:
    chosen = filters.period("custom", complete_end=END, custom=(date(2026, 11, 2),))
    assert (chosen.end_day - chosen.start_day).days == 30


def test_filters_narrow_the_numbers(shared_home: Path, tmp_path: Path, open_page: OpenPage) -> None:
    app = open_page(
        shared_home, period="7d", provider=["aws"], team=["support", "growth"], environment=["prod"], basis="effective"
    )
    # a copy: the page holds the file open with settings of its own
    file = Path(shutil.copy(shared_home / "published" / "inferledger.duckdb", tmp_path))
    with duckdb.connect(str(file), read_only=True) as connection:
        expected = connection.execute(
            "select sum(effective_cost_usd) from fct_spend_daily where provider = 'aws' and environment = 'prod' "
            "and team in ('support', 'growth') and charge_date between date '2026-11-10' and date '2026-11-16'"
        ).fetchone()
    assert expected is not None
    assert app.metric[0].value.replace("\\", "") == f"${expected[0]:,.2f}"
    assert "Effective cost, USD" in words(app)


def test_totals_are_shown_with_and_without_what_is_no_consumption(
    shared_home: Path, tmp_path: Path, open_page: OpenPage
) -> None:
    file = Path(shutil.copy(shared_home / "published" / "inferledger.duckdb", tmp_path))
    with duckdb.connect(str(file), read_only=True) as connection:
        consumed, everything = connection.execute(
            "select sum(billed_cost_usd) filter (charge_category in ('Usage', 'Purchase')), sum(billed_cost_usd) "
            "from fct_spend_daily where cost_status <> 'estimate' and provider = 'gcp' and charge_date between "
            "(select complete_through - 29 from source_status where source = 'gcp_billing') "
            "and (select complete_through from source_status where source = 'gcp_billing')"
        ).fetchall()[0]
    assert consumed != everything
    for categories, expected in ([], everything), (["Usage", "Purchase"], consumed):
        app = open_page(shared_home, provider=["gcp"], charge_category=categories)
        assert app.metric[0].value.replace("\\", "") == f"${expected:,.2f}"


def test_filters_survive_a_change_of_page(shared_home: Path, open_page: OpenPage) -> None:
    app = open_page(shared_home, "teams", period="7d", team=["docs"])
    assert app.selectbox(key="period").value == "7d"
    assert app.multiselect(key="team").value == ["docs"]


def test_currency_as_billed_leaves_only_its_charges(shared_home: Path, open_page: OpenPage) -> None:
    app = open_page(shared_home)
    app.selectbox(key="currency").select("as-billed-EUR").run()
    assert "Only charges billed in EUR" in words(app)
    assert app.metric[0].value.startswith("€")


def test_link_to_what_is_not_there_says_so(shared_home: Path, open_page: OpenPage) -> None:
    app = open_page(shared_home, link={"team": ["vanished-team"]})
    assert "vanished-team" in app.warning[0].value
    assert app.multiselect(key="team").value == []
    assert not app.exception


def test_totals_stop_at_the_slowest_provider_shown(shared_home: Path, open_page: OpenPage) -> None:
    assert "17 Oct to 15 Nov 2026" in words(open_page(shared_home))
    assert "18 Oct to 16 Nov 2026" in words(open_page(shared_home, provider=["aws"]))
