"""What the demo publishes, held against what its clouds really charged: exactly, with no tolerance."""

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import duckdb
import pytest

CONTRACT = {
    "fct_spend_daily": "charge_date billing_month provider billing_account_id sub_account_id region_id service_name "
    "team product environment model token_class pricing_category charge_category attribution_method "
    "cost_status billing_currency billed_cost effective_cost list_cost billed_cost_usd effective_cost_usd "
    "consumed_tokens",
    "fct_tokens_daily": "usage_date provider workload_id team product model input_tokens output_tokens "
    "cache_read_tokens cache_write_tokens request_count throttled_count error_count estimated_cost_usd input_is_total",
    "fct_capacity_hourly": "capacity_id provider hour_start unit_kind units utilization_ratio break_even_ratio "
    "capacity_cost_usd used_cost_usd idle_cost_usd on_demand_equivalent_usd spill_cost_usd",
    "fct_provider_totals": "provider billing_account_id billing_month billing_currency landed_cost mart_cost "
    "out_of_scope_cost invoice_cost difference",
    "fct_spike": "spike_id lane started_on detected_on ended_on provider team product model metric direction actual "
    "expected impact_usd verdict",
    "dim_team": "valid_from valid_to",
    "dim_model": "model",
    "dim_workload": "workload_id valid_from valid_to",
    "dim_price": "provider model token_class valid_from valid_to",
    "source_status": "source account_id watermark complete_through last_success_at rows is_stale message",
    "publication": "as_of run_id complete_through",
}


@pytest.fixture(scope="module")
def published(demo_home: Path):
    with duckdb.connect(demo_home / "published" / "inferledger.duckdb", read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        for table in ("charges", "usage", "incidents", "out_of_scope"):
            path = demo_home / "truth" / f"{table}.parquet"
            connection.execute(f"create temp view truth_{table} as select * from read_parquet('{path}')")
        yield connection


@pytest.fixture(scope="module")
def as_of(published: duckdb.DuckDBPyConnection) -> datetime:
    return published.execute("select as_of from publication").fetchall()[0][0]


@pytest.mark.parametrize("table", CONTRACT)
def test_the_contract_tables_have_their_columns(published: duckdb.DuckDBPyConnection, table: str) -> None:
    found = {row[0]: row[1] for row in published.execute(f"describe {table}").fetchall()}
    assert set(CONTRACT[table].split()) <= set(found)
    money = {
        name: kind for name, kind in found.items() if name.endswith(("_cost", "_usd")) or name in ("actual", "expected")
    }
    assert set(money.values()) <= {"DECIMAL(38,12)"}, money


def test_billed_cost_equals_what_was_charged_and_is_visible(
    published: duckdb.DuckDBPyConnection, as_of: datetime
) -> None:
    visible = """select provider, billing_account_id, billing_month, sum(billed_cost)::decimal(38, 12)
        from truth_charges
        where visible_from <= $1 and (visible_to is null or visible_to > $1) group by all order by all"""
    charged = published.execute(visible.replace("$1", f"timestamptz '{as_of}+00'")).fetchall()
    billed = published.execute(
        """select provider, billing_account_id, billing_month, sum(billed_cost)::decimal(38, 12) from fct_spend_daily
        group by all order by all"""
    ).fetchall()
    assert len(charged) >= 9
    assert billed == charged


def test_what_is_no_ai_spend_is_summed_and_ties_to_landing(
    published: duckdb.DuckDBPyConnection, as_of: datetime
) -> None:
    outside = published.execute(
        f"""select provider, billing_account_id, billing_month, sum(billed_cost)::decimal(38, 12)
        from truth_out_of_scope
        where visible_from <= timestamptz '{as_of}+00' and (visible_to is null or visible_to > timestamptz '{as_of}+00')
        group by all order by all"""
    ).fetchall()
    totals = published.execute(
        """select provider, billing_account_id, billing_month, sum(out_of_scope_cost)::decimal(38, 12)
        from fct_provider_totals
        where out_of_scope_cost <> 0 group by all order by all"""
    ).fetchall()
    assert {row[0] for row in outside} == {"aws", "azure", "gcp"}
    assert totals == outside
    assert published.execute(
        "select count(*) from fct_provider_totals where difference <> 0 or difference is null"
    ).fetchall() == [(0,)]


def test_tokens_equal_what_was_used_wherever_the_provider_knows_them(published: duckdb.DuckDBPyConnection) -> None:
    differing = published.execute(
        """
        with used as (
            select provider, usage_date, workload_id, sum(input_tokens) as input_tokens,
                sum(output_tokens) as output_tokens, sum(cache_read_tokens) as cache_read_tokens,
                sum(cache_write_tokens) as cache_write_tokens, sum(request_count) as request_count
            from truth_usage group by all
        ), seen as (
            select provider, usage_date, workload_id, bool_or(input_is_total) as input_is_total,
                sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
                sum(cache_read_tokens) as cache_read_tokens,
                sum(cache_write_tokens) as cache_write_tokens, sum(request_count) as request_count
            from fct_tokens_daily group by all
        )
        select coalesce(used.provider, seen.provider), coalesce(used.usage_date, seen.usage_date),
            coalesce(used.workload_id, seen.workload_id)
        from used full join seen using (provider, usage_date, workload_id)
        where seen.provider is null or used.provider is null or used.output_tokens <> seen.output_tokens
            or used.request_count <> seen.request_count
            -- a project may hold models whose meter tells cached tokens apart beside others
            or (seen.input_is_total
                and used.input_tokens + used.cache_read_tokens + used.cache_write_tokens
                <> seen.input_tokens + coalesce(seen.cache_read_tokens, 0) + coalesce(seen.cache_write_tokens, 0))
            or (not seen.input_is_total and (used.input_tokens, used.cache_read_tokens, used.cache_write_tokens)
                <> (seen.input_tokens, seen.cache_read_tokens, seen.cache_write_tokens))
        order by all limit 10
        """
    ).fetchall()
    assert differing == []
    assert published.execute("select count(distinct workload_id) from fct_tokens_daily").fetchall()[0][0] >= 50


def test_every_planted_spike_is_found_on_its_days(published: duckdb.DuckDBPyConnection) -> None:
    planted = published.execute("select * from truth_incidents where is_spike").fetchdf()
    assert len(planted) >= 8
    missed = published.execute(
        """select incident_id from truth_incidents as planted where is_spike and not exists (
            select 1 from fct_spike as spike where spike.provider = planted.provider and spike.team = planted.team
            and spike.product is not distinct from planted.product and spike.verdict = planted.verdict
            and spike.started_on <= planted.end_date
            and coalesce(spike.ended_on, date '9999-12-31') >= planted.start_date)"""
    ).fetchall()
    assert missed == []


def test_what_is_no_spike_is_not_called_one(published: duckdb.DuckDBPyConnection) -> None:
    called = published.execute(
        """select kind, spike.* from truth_incidents as planted join fct_spike as spike
        on spike.provider = planted.provider and (planted.team is null or spike.team = planted.team)
        and (planted.product is null or spike.product is not distinct from planted.product)
        and spike.started_on between planted.start_date and planted.end_date where not is_spike"""
    ).fetchall()
    assert called == []


def test_a_spike_that_nobody_planted_is_rare(published: duckdb.DuckDBPyConnection) -> None:
    unplanned = published.execute(
        """select spike.* from fct_spike as spike where lane = 'billed' and not exists (
            select 1 from truth_incidents as planted
            where planted.provider = spike.provider and planted.team = spike.team
            and planted.product is not distinct from spike.product
            and spike.started_on <= planted.end_date + 7
            and coalesce(spike.ended_on, date '9999-12-31') >= planted.start_date)"""
    ).fetchall()
    assert len(unplanned) <= 2, unplanned


VISIBLE = """visible_from <= timestamptz '{as_of}+00'
    and (visible_to is null or visible_to > timestamptz '{as_of}+00')"""


def test_no_team_is_given_what_is_not_its_own(published: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    """Where evidence names an owner, a team's net cost is the true one, or less where evidence is missing."""
    compared = published.execute(
        f"""with own as (
            select provider, team, model, token_class, sum(billed_cost) as cost from truth_charges
            where {VISIBLE.format(as_of=as_of)} group by all
        ), given as (
            select provider, team, model, token_class, sum(billed_cost) as cost from fct_spend_daily
            where team <> 'unallocated' and not ends_with(attribution_method, '_share') group by all
        )
        select given.provider, given.team, sum(given.cost) as given,
            sum(given.cost - coalesce(own.cost, 0)) as excess
        from given left join own on given.provider = own.provider and given.team = own.team
            and given.model is not distinct from own.model and given.token_class is not distinct from own.token_class
        group by all"""
    ).fetchall()
    assert [row for row in compared if row[3] > 0] == []
    assert sum(row[3] == 0 for row in compared) >= 12


def test_a_shared_deployment_is_split_by_what_the_gateway_counted(
    published: duckdb.DuckDBPyConnection, as_of: datetime
) -> None:
    """Output is each team's true one. Neither Azure's meter nor the gateway tells cached prompt tokens of a team,
    so the classes of the prompt are each whole, whoever they are given to, and the price of the prompt is not tested
    team by team."""
    split = published.execute(
        f"""with own as (
            select charge_date, team, model, token_class, billed_cost from truth_charges
            where provider = 'azure' and {VISIBLE.format(as_of=as_of)}
        ), given as (
            select charge_date, team, model, token_class, billed_cost from fct_spend_daily
            where provider = 'azure' and attribution_method = 'gateway_share'
        ), sides as (
            select *, 'given' as side from given
            union all by name
            select *, 'own' as side from own semi join given using (charge_date, team, model, token_class)
        )
        select token_class, charge_date, model, case when token_class = 'output' then team end as owner,
            sum(billed_cost) filter (side = 'given') as given, sum(billed_cost) filter (side = 'own') as own
        from sides group by all"""
    ).fetchall()
    assert {row[0] for row in split} == {"input", "cache_read", "output"}
    assert {row[3] for row in split if row[0] == "output"} == {"docs", "growth", "mobile"}
    assert [row for row in split if row[4] != row[5]] == []


def test_reservations_are_paid_by_who_used_them(published: duckdb.DuckDBPyConnection, as_of: datetime) -> None:
    """The deployment behind the demo's reservation is devtools'; two hours of October, used by nobody, stay open."""
    paid = published.execute(
        """select billing_month, team, sum(billed_cost) from fct_spend_daily
        where provider = 'azure' and charge_category = 'Purchase' group by all order by all"""
    ).fetchall()
    [(charged,)] = published.execute(
        f"""select sum(billed_cost) from truth_charges
        where provider = 'azure' and team = 'unallocated' and {VISIBLE.format(as_of=as_of)}"""
    ).fetchall()
    assert sum(row[2] for row in paid) == charged
    month = Decimal(19500)
    unused = (month * 2 / 744).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
    assert paid == [
        (date(2026, 9, 1), "devtools", month),
        (date(2026, 10, 1), "devtools", month - unused),
        (date(2026, 10, 1), "unallocated", unused),
        (date(2026, 11, 1), "devtools", month),
    ]
