"""Every page in every state, run by Streamlit itself."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

import state
from tests.dashboard import fixture_published
from tests.dashboard.conftest import PAGES, OpenPage, words


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_as_of_completeness_and_basis(page: str, shared_home: Path, open_page: OpenPage) -> None:
    app = open_page(shared_home, page)
    shown = words(app)
    assert not app.exception
    assert not app.error
    assert "As of** 18 Nov 2026, 06:00 UTC" in shown
    assert "AWS Bedrock 16 Nov" in shown
    assert "Azure OpenAI 15 Nov" in shown
    assert "USD" in shown


@pytest.mark.parametrize("page", PAGES)
def test_page_without_any_charge_is_designed(page: str, tmp_path: Path, open_page: OpenPage) -> None:
    fixture_published.build(tmp_path, empty=True)
    app = open_page(tmp_path, page)
    assert not app.exception
    assert not app.error
    expected = "No run is remembered" if page == "data_health" else "holds no charges yet"
    assert expected in words(app)


@pytest.mark.parametrize("page", PAGES)
def test_page_with_filters_that_leave_nothing_is_designed(page: str, shared_home: Path, open_page: OpenPage) -> None:
    app = open_page(shared_home, page, provider=["azure"], team=["docs"], environment=["staging"])
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize(
    ("basis", "currency"),
    [("list", "as-billed-EUR"), ("effective", "as-billed-USD"), ("billed", "EUR"), ("list", "EUR")],
)
@pytest.mark.parametrize("page", PAGES)
def test_page_in_another_basis_and_currency(
    page: str, basis: str, currency: str, shared_home: Path, open_page: OpenPage
) -> None:
    app = open_page(shared_home, page, basis=basis, currency=currency)
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("period", ["7d", "90d", "month", "last-month", "custom"])
def test_overview_in_every_period(period: str, shared_home: Path, open_page: OpenPage) -> None:
    app = open_page(shared_home, period=period)
    assert not app.exception
    assert app.metric[0].label == "Spend in the period"


@pytest.mark.parametrize("page", PAGES)
def test_nothing_published_says_what_to_run(page: str, tmp_path: Path, open_page: OpenPage) -> None:
    app = open_page(tmp_path, page)
    assert not app.exception
    assert "Nothing has been published yet" in words(app)
    assert "inferledger run" in words(app)


@pytest.mark.parametrize(
    ("page", "without"),
    [
        ("overview", "fct_spend_daily.attribution_method"),
        ("overview", "source_status"),
        ("models", "fct_tokens_daily.input_is_total"),
        ("capacity", "fct_capacity_hourly"),
        ("spikes", "fct_spike.verdict"),
        ("reconciliation", "fct_residual.evidence"),
        ("data_health", "fct_provider_totals"),
        ("ownership", "fct_owned_daily.team_now"),
    ],
)
def test_older_file_is_one_sentence(page: str, without: str, tmp_path: Path, open_page: OpenPage) -> None:
    fixture_published.build(tmp_path, without=without)
    app = open_page(tmp_path, page)
    assert not app.exception
    assert [("another version" in error.value, "inferledger run" in error.value) for error in app.error] == [
        (True, True)
    ]


def test_broken_file_is_one_sentence(tmp_path: Path, open_page: OpenPage) -> None:
    file = fixture_published.build(tmp_path)
    file.write_bytes(b"not a database at all" * 300)
    app = open_page(tmp_path)
    assert not app.exception
    assert "is not a file this dashboard can read" in words(app)


@pytest.mark.parametrize("page", PAGES)
def test_failed_run_stands_above_yesterdays_numbers(page: str, tmp_path: Path, open_page: OpenPage) -> None:
    fixture_published.build(tmp_path)
    store = state.open_state(f"sqlite:///{tmp_path / 'state.sqlite'}")
    state.start_run(store, "run-later", fixture_published.AS_OF + timedelta(days=1))
    state.finish_run(store, "run-later", "failed", "The test assert_marts_equal_landing failed.")
    store.close()
    app = open_page(tmp_path, page)
    assert not app.exception
    assert "still the numbers of 18 Nov 2026" in app.error[0].value
    assert app.title[0].value != ""


def test_old_numbers_are_called_old(tmp_path: Path, open_page: OpenPage) -> None:
    fixture_published.build(tmp_path, as_of=fixture_published.AS_OF - timedelta(days=4))
    app = open_page(tmp_path)
    assert "4 days old" in app.warning[0].value


def test_unallocated_is_visible_whatever_the_team_filter(shared_home: Path, open_page: OpenPage) -> None:
    every, one = open_page(shared_home), open_page(shared_home, team=["docs"])
    assert every.metric[2].label == one.metric[2].label == "Unallocated"
    assert every.metric[2].value == one.metric[2].value != "$0.00"


def test_charges_without_the_chosen_cost_are_counted_aloud(shared_home: Path, open_page: OpenPage) -> None:
    app = open_page(shared_home, basis="list")
    assert "have no known List cost, USD" in app.warning[0].value


def test_alert_link_opens_its_spike_with_verdict_team_and_dollars(shared_home: Path, open_page: OpenPage) -> None:
    shown = words(open_page(shared_home, "spikes", link={"spike": "sp-ticket-triage"}))
    for part in (
        "Verdict: efficiency",
        "Team **support**",
        "+$4,032.00",
        "$1,680.00",
        "10 Nov 2026",
        "What it is made of",
    ):
        assert part in shown, part


def test_link_to_a_dissolved_spike_shows_the_list(shared_home: Path, open_page: OpenPage) -> None:
    app = open_page(shared_home, "spikes", link={"spike": "sp-gone"})
    assert not app.exception
    assert "sp-gone" in app.warning[0].value
    assert len(app.dataframe) == 1


def test_difference_to_the_bill_is_an_alarm(tmp_path: Path, open_page: OpenPage) -> None:
    file = fixture_published.build(tmp_path)
    with duckdb.connect(str(file)) as connection:
        connection.execute("update fct_provider_totals set difference = 0.000000000001 where provider = 'gcp'")
    app = open_page(tmp_path, "data_health")
    assert "4 of 12 totals differ" in app.error[0].value


def test_unknown_is_never_shown_as_zero(tmp_path: Path, open_page: OpenPage) -> None:
    file = fixture_published.build(tmp_path)
    with duckdb.connect(str(file)) as connection:
        connection.execute("update fct_capacity_hourly set used_cost_usd = null, idle_cost_usd = null")
    cards = {metric.label: metric.value for metric in open_page(tmp_path, "capacity").metric}
    assert (cards["Of that used"], cards["Of that idle"]) == ("unknown", "unknown")


def test_capacity_whose_use_nobody_measures_is_neither_used_nor_idle(tmp_path: Path, open_page: OpenPage) -> None:
    file = fixture_published.build(tmp_path)
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "update fct_capacity_hourly set utilization_ratio = null, used_cost_usd = null, idle_cost_usd = null "
            "where capacity_id = 'pmt-semantic-search'"
        )
    app = open_page(tmp_path, "capacity")
    cards = {metric.label: metric for metric in app.metric}
    assert cards["Capacity cost"].delta == "$15,840.00 of unknown use"
    assert "Nobody measures the use of this capacity" in words(app)


def test_the_firmness_of_the_spend_is_told_and_the_estimate_is_in_no_total(
    shared_home: Path, tmp_path: Path, open_page: OpenPage
) -> None:
    app = open_page(shared_home)
    shown = words(app)
    assert "Final $" in shown.replace("\\", "")
    assert "Estimate $41.50" in shown.replace("\\", "")
    assert "not in any total" in shown
    file = fixture_published.build(tmp_path)
    with duckdb.connect(str(file)) as connection:
        connection.execute("delete from fct_spend_daily where cost_status = 'estimate'")
    assert open_page(tmp_path).metric[0].value == app.metric[0].value


def test_a_closed_statement_names_who_closed_it_and_a_draft_says_so(tmp_path: Path, open_page: OpenPage) -> None:
    file = fixture_published.build(tmp_path)
    app = open_page(tmp_path, "teams")
    assert "DRAFT" in words(app)
    app.selectbox(key="statement_month").select_index(1).run()
    assert not app.exception
    assert "Closed by Ada" in words(app)
    assert "a1b2c3" in words(app)
    assert file.exists()


def test_a_closed_month_that_moved_is_told(shared_home: Path, tmp_path: Path, open_page: OpenPage) -> None:
    app = open_page(shared_home, "data_health")
    assert any("Closed, and moved since: Oct 2026" in warning.value for warning in app.warning)
    file = fixture_published.build(tmp_path)
    with duckdb.connect(str(file)) as connection:
        connection.execute("delete from fct_closed_month_movement")
    assert any("Nothing has moved" in success.value for success in open_page(tmp_path, "data_health").success)


def test_reconciliation_leads_from_metered_to_billed_and_names_overcharges(
    shared_home: Path, open_page: OpenPage
) -> None:
    app = open_page(shared_home, "reconciliation", period="7d")
    shown = {card.label: card.value for card in app.metric}
    # seven days of three clouds at 100 dollars: 0.06 rounded, 5 saved, 3 too much
    assert shown["Metered"] == "\\$2,100.00"
    assert shown["Billed"] == "\\$2,085.58"
    assert shown["Residual"] == "+\\$14.42"
    assert shown["Unexplained"] == "\\$0.00"
    overcharged = next(table.value for table in app.dataframe if "overcharge_kind" in table.value.columns)
    assert len(overcharged) == 7


def test_reconciliation_of_a_provider_shows_its_rows_alone(shared_home: Path, open_page: OpenPage) -> None:
    app = open_page(shared_home, "reconciliation", provider=["gcp"])
    assert "every charge of a complete day fits its contract price" in words(app)


def test_ownership_shows_what_contradicts_is_dead_or_looks_like_a_key(shared_home: Path, open_page: OpenPage) -> None:
    app = open_page(shared_home, "ownership")
    assert not app.exception
    tables = {tuple(frame.value.columns): frame.value for frame in app.dataframe}
    conflicts = next(table for columns, table in tables.items() if "other_evidence" in columns)
    assert conflicts["other_evidence"].tolist() == ["rule aws-shared"]
    assert any("Dead: old-pilot." in warning.value for warning in app.warning)
    keys = next(table for columns, table in tables.items() if "tag_key" in columns)
    assert keys[["tag_key", "is_declared"]].values.tolist() == [["team_name", False], ["owner-team", True]]


def test_ownership_now_shows_only_what_differs_until_asked(shared_home: Path, open_page: OpenPage) -> None:
    app = open_page(shared_home, "ownership")

    def teams() -> set[str]:
        frames = [frame.value for frame in app.dataframe if "cost_now" in frame.value.columns]
        return set(frames[0]["team"])

    assert teams() == {"docs", "unallocated"}
    app.toggle(key="ownership-only-moved").set_value(False).run()
    assert {"support", "docs", "unallocated"} <= teams()
