"""The statements: public marts only, one answer per statement, no fractions of a cent lost."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from dashboard import store
from tests.dashboard import fixture_published

NAMES = sorted(path.stem for path in store.QUERIES.glob("*.sql"))
PUBLIC = {
    "publication", "source_status", "fct_spend_daily", "fct_tokens_daily", "fct_capacity_hourly",
    "fct_capacity_shares_hourly", "fct_capacity_sizing", "fct_reconciliation", "fct_residual", "fct_provider_totals",
    "fct_spike", "fct_spike_driver", "fct_logged_usage_daily", "fct_forecast_daily", "fct_budget_status", "dim_team",
    "dim_model", "dim_workload", "dim_price", "focus_cost_and_usage", "fct_quarantine", "fct_restatement",
    "dim_model_name", "dim_fx_rate", "fct_fx_conversion", "fct_unmapped", "fct_effective_price",
    "fct_price_disagreement",
    "dim_owned_thing", "dim_ownership_rule", "fct_attribution_conflict", "fct_owned_daily", "fct_tag_key_usage",
    "fct_statement_line", "fct_closed_month", "fct_closed_month_movement",
    "fct_overcharge",
}  # fmt: skip
SELECTION = {
    "start_day": date(2026, 10, 18),
    "end_day": date(2026, 11, 17),
    "before_start": date(2026, 9, 18),
    "before_end": date(2026, 10, 18),
    "chart_end": date(2026, 11, 18),
    "providers": None,
    "teams": None,
    "environments": None,
    "charge_categories": None,
    "basis": "billed",
    "currency": "USD",
    "in_usd": True,
    "in_reporting": False,
    "direction": None,
    "spike_id": "sp-ticket-triage",
    "capacity_id": "gpt-4.1-ptu",
    "statement_month": date(2026, 10, 1),
    "statement_team": "support",
    "statement_status": "closed",
    "residual_class": None,
    "residual_provider": None,
    "models": None,
    "only_differing": False,
    "all_intervals": False,
}


def fetch(home: Path, name: str, **changes: object) -> store.Rows:
    published = store.Published(home / "published" / "inferledger.duckdb")
    try:
        return published.fetch(name, SELECTION | changes, identity=published.identity())
    finally:
        published.close()


def test_there_are_statements() -> None:
    assert len(NAMES) > 15


@pytest.mark.parametrize("name", NAMES)
def test_statement_reads_public_marts_only(name: str) -> None:
    tree = sqlglot.parse_one(store.query_text(name), dialect="duckdb")
    assert isinstance(tree, exp.Select)
    named = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = {table.name for table in tree.find_all(exp.Table)} - named
    assert tables
    assert tables <= PUBLIC
    called = {function.sql_name().lower() for function in tree.find_all(exp.Func)}
    called |= {function.name.lower() for function in tree.find_all(exp.Anonymous)}
    assert not {name for name in called if name.startswith(("read_", "parquet", "glob", "sniff"))}


@pytest.mark.parametrize("basis", ["billed", "effective", "list"])
@pytest.mark.parametrize("name", NAMES)
def test_statement_runs_on_full_and_empty_tables(name: str, basis: str, shared_home: Path, tmp_path: Path) -> None:
    fixture_published.build(tmp_path, empty=True)
    full = fetch(shared_home, name, basis=basis)
    empty = fetch(tmp_path, name, basis=basis)
    assert full or name in ("purchases", "source_messages")
    assert len(empty) <= 1


def test_the_file_cannot_be_left(shared_home: Path) -> None:
    published = store.Published(shared_home / "published" / "inferledger.duckdb")
    fetch_identity = published.identity()
    published.fetch("publication", {}, identity=fetch_identity)
    connection = published._connection
    assert connection is not None
    with pytest.raises(duckdb.PermissionException):
        connection.execute("select * from read_csv('/etc/hostname')")
    with pytest.raises(duckdb.InvalidInputException):
        connection.execute("delete from fct_spend_daily")
    published.close()


def test_parts_sum_to_the_total_exactly(shared_home: Path) -> None:
    total = fetch(shared_home, "overview_totals")[0]["spend"]
    assert isinstance(total, Decimal)
    for name in ("spend_by_provider", "spend_by_team", "team_products", "team_methods"):
        assert sum(row["cost"] for row in fetch(shared_home, name)) == total, name
    days = fetch(shared_home, "spend_by_day", chart_end=SELECTION["end_day"])
    assert sum(row["cost"] for row in days) == total


def test_used_and_idle_sum_to_capacity_cost(shared_home: Path) -> None:
    for row in fetch(shared_home, "capacities", start_day=date(2026, 8, 20), end_day=date(2026, 11, 18)):
        if row["unknown_hours"] == 0:
            assert row["used_cost_usd"] + row["idle_cost_usd"] == row["capacity_cost_usd"], row["capacity_id"]


def test_list_cost_in_dollars_is_unknown_where_it_was_billed_in_euros(shared_home: Path) -> None:
    providers = {row["provider"]: row["cost"] for row in fetch(shared_home, "spend_by_provider", basis="list")}
    assert providers["gcp"] is None
    assert providers["aws"] > 0
    assert fetch(shared_home, "overview_totals", basis="list")[0]["unknown_rows"] > 0


def test_unit_cost_is_cost_by_tokens(shared_home: Path) -> None:
    row = next(row for row in fetch(shared_home, "team_products") if row["product"] == "code-review")
    assert row["cost_per_mtok"] == pytest.approx(float(row["cost"]) * 1e6 / row["tokens"], rel=1e-12)


def test_cache_share_leaves_out_meters_that_cannot_tell(shared_home: Path) -> None:
    models = {row["model"]: row for row in fetch(shared_home, "models")}
    assert models["gpt-4.1"]["cache_read_ratio"] is None
    known = models["nova-pro"]
    prompt = known["input_tokens"] + known["cache_read_tokens"] + known["cache_write_tokens"]
    assert known["cache_read_ratio"] == pytest.approx(known["cache_read_tokens"] / prompt)


def test_callers_are_listed_per_log_with_all_their_prompt_tokens(shared_home: Path) -> None:
    callers = {row["caller"]: row for row in fetch(shared_home, "logged_callers")}
    assert set(callers) == {"devtools-key", "growth-key", "data-platform-key"}
    tokens = fetch(shared_home, "models", teams=["devtools"])[0]
    assert callers["devtools-key"]["prompt_tokens"] == tokens["input_tokens"]
    assert callers["devtools-key"]["logged_cost"] > 0
    assert fetch(shared_home, "logged_callers", teams=["docs"]) == ()


def test_spike_series_holds_its_days(shared_home: Path) -> None:
    days = fetch(shared_home, "spike_days")
    inside = [row["charge_date"] for row in days if row["is_spike"]]
    assert (min(inside), max(inside), len(inside)) == (date(2026, 11, 10), date(2026, 11, 13), 4)
    assert min(row["charge_date"] for row in days) == date(2026, 9, 29)


def test_the_reporting_currency_holds_every_charge_as_the_marts_converted_it(shared_home: Path) -> None:
    reported = fetch(shared_home, "overview_totals", currency="EUR", in_usd=False, in_reporting=True)[0]
    dollars = fetch(shared_home, "overview_totals")[0]
    as_billed = fetch(shared_home, "overview_totals", currency="EUR", in_usd=False)[0]
    assert reported["charges"] == dollars["charges"] > as_billed["charges"]
    assert as_billed["spend"] < reported["spend"] < dollars["spend"]
