"""A small published file with the tables and columns of the contract, filled by rule so that tests know what it holds.

``python tests/dashboard/fixture_published.py HOME`` writes it for looking at the dashboard by hand.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from tests.dashboard import published_rows as rows
from tests.dashboard.published_rows import MONEY

AS_OF = datetime(2026, 11, 18, 6, tzinfo=UTC)
DAYS = 90

DDL = f"""
create table publication (as_of timestamp, run_id varchar, complete_through date, published_rows bigint);
create table fct_spend_daily (
    charge_date date, billing_month date, provider varchar, billing_account_id varchar, sub_account_id varchar,
    region_id varchar, service_name varchar, team varchar, product varchar, environment varchar, model varchar,
    token_class varchar, pricing_category varchar, charge_category varchar, attribution_method varchar,
    cost_status varchar, billing_currency varchar, billed_cost {MONEY}, effective_cost {MONEY}, list_cost {MONEY},
    billed_cost_usd {MONEY}, effective_cost_usd {MONEY}, consumed_tokens bigint);
create table fct_tokens_daily (
    usage_date date, provider varchar, sub_account_id varchar, workload_id varchar, team varchar, product varchar,
    environment varchar, model varchar,
    input_tokens bigint, output_tokens bigint, cache_read_tokens bigint, cache_write_tokens bigint,
    request_count bigint, throttled_count bigint, error_count bigint, estimated_cost_usd {MONEY},
    input_is_total boolean);
create table fct_capacity_hourly (
    capacity_id varchar, provider varchar, model varchar, hour_start timestamp, unit_kind varchar, units decimal(18,6),
    utilization_ratio decimal(18,12), break_even_ratio decimal(18,12), capacity_cost_usd {MONEY},
    used_cost_usd {MONEY}, idle_cost_usd {MONEY}, on_demand_equivalent_usd {MONEY}, spill_cost_usd {MONEY});
create table fct_logged_usage_daily (
    usage_date date, source varchar, provider varchar, sub_account_id varchar, workload_id varchar, model varchar,
    team varchar, product varchar, environment varchar, key_id varchar, principal varchar, input_tokens bigint,
    cache_read_tokens bigint, cache_write_tokens bigint, output_tokens bigint, input_is_total boolean,
    request_count bigint, error_count bigint, logged_cost_usd {MONEY});
create table fct_statement_line (
    statement_status varchar, billing_month date, provider varchar, billing_account_id varchar, team varchar,
    product varchar, model varchar, charge_category varchar, pricing_category varchar, attribution_method varchar,
    attribution_evidence varchar, attribution_confidence varchar, split_from_team varchar, split_path varchar,
    cost_status varchar, billing_currency varchar, billed_cost {MONEY}, effective_cost {MONEY}, list_cost {MONEY},
    consumed_tokens bigint);
create table fct_closed_month (
    billing_month date, provider varchar, billing_account_id varchar, billing_currency varchar, revision integer,
    closed_as_of timestamp, closed_by varchar, manifest_hash varchar, reason varchar, closed_cost {MONEY},
    current_cost {MONEY}, moved_cost {MONEY});
create table fct_closed_month_movement (
    billing_month date, provider varchar, team varchar, measure varchar, billing_currency varchar, cause varchar,
    moved_amount {MONEY});
create table dim_owned_thing (
    thing_id varchar, provider varchar, sub_account_id varchar, resource_id varchar, workload_id varchar);
create table fct_owned_daily (
    thing_id varchar, charge_date date, provider varchar, team varchar, team_now varchar, billed_cost_usd {MONEY});
create table dim_ownership_rule (
    rule_id varchar, priority integer, provider varchar, field varchar, pattern varchar, team varchar,
    matched_things bigint, decided_cost_usd {MONEY}, last_decided_on date, valid_from date, valid_to date);
create table fct_attribution_conflict (
    charge_month date, provider varchar, thing_id varchar, team varchar, attribution_method varchar,
    other_team varchar, other_method varchar, other_evidence varchar, billed_cost_usd {MONEY});
create table fct_tag_key_usage (
    charge_month date, provider varchar, canonical varchar, tag_key varchar, is_declared boolean,
    billed_cost_usd {MONEY}, unallocated_cost_usd {MONEY});
create table fct_provider_totals (
    provider varchar, billing_account_id varchar, billing_month date, billing_currency varchar,
    landed_cost {MONEY}, mart_cost {MONEY}, out_of_scope_cost {MONEY}, provider_cost {MONEY},
    invoice_cost {MONEY}, difference {MONEY});
create table fct_reconciliation (
    reconciliation_id varchar, provider varchar, billing_account_id varchar, usage_date date, workload_id varchar,
    model varchar, token_class varchar, metered_tokens bigint, billed_tokens bigint, usd_per_mtok {MONEY},
    metered_cost_usd {MONEY}, billed_cost_usd {MONEY}, residual_usd {MONEY}, is_complete boolean,
    cost_status varchar);
create table fct_residual (
    reconciliation_id varchar, provider varchar, billing_account_id varchar, usage_date date, workload_id varchar,
    model varchar, token_class varchar, residual_class varchar, residual_usd {MONEY}, tokens bigint,
    evidence varchar);
create table fct_overcharge (
    overcharge_id varchar, reconciliation_id varchar, overcharge_kind varchar, provider varchar,
    billing_account_id varchar, usage_date date, workload_id varchar, model varchar, token_class varchar,
    region_class varchar, service_tier varchar, context_band varchar, tokens bigint, due_usd_per_mtok {MONEY},
    charged_usd_per_mtok {MONEY}, due_cost_usd {MONEY}, charged_cost_usd {MONEY}, overcharge_usd {MONEY},
    arithmetic varchar);
create table fct_spike (
    spike_id varchar, lane varchar, started_on date, detected_on date, ended_on date, provider varchar, team varchar,
    product varchar, sub_account_id varchar, model varchar, metric varchar, direction varchar,
    actual {MONEY}, expected {MONEY},
    impact_usd {MONEY}, verdict varchar);
create table fct_spike_driver (spike_id varchar, driver varchar, contribution_usd {MONEY});
create table source_status (
    source varchar, provider varchar, account_id varchar, watermark timestamp, complete_through date,
    last_success_at timestamp, rows bigint, is_stale boolean, message varchar);
create table fct_quarantine (
    source varchar, stream varchar, billing_account_id varchar, billing_month date, file_name varchar, reason varchar,
    billing_currency varchar, example_row varchar, row_count bigint, unknown_amount_count bigint, known_amount {MONEY},
    loaded_at timestamp);
create table fct_restatement (
    source varchar, stream varchar, scope varchar, window_start date, run_id varchar, gone_rows bigint,
    gone_amount {MONEY}, restated_at timestamp);
create table fct_unmapped (
    provider varchar, kind varchar, provider_model_name varchar, sku varchar, billing_month date,
    billing_currency varchar, first_day date, last_day date, billed_cost {MONEY}, billed_cost_usd {MONEY},
    tokens bigint);
create table dim_price (
    price_id varchar, provider varchar, model varchar, region_class varchar, token_class varchar, service_tier varchar,
    context_band varchar, usd_per_mtok {MONEY}, contract_usd_per_mtok {MONEY}, contract_basis varchar,
    discount_id varchar, price_source varchar, source_date date, valid_from date, valid_to date);
create table fct_effective_price (
    provider varchar, model varchar, token_class varchar, region_class varchar, service_tier varchar,
    context_band varchar, billing_month date, price_source varchar, tokens bigint, billed_usd {MONEY},
    contract_usd {MONEY}, difference_usd {MONEY}, billed_usd_per_mtok {MONEY}, list_usd_per_mtok {MONEY},
    contract_usd_per_mtok {MONEY}, difference_usd_per_mtok {MONEY});
create table fct_price_disagreement (
    provider varchar, model varchar, region_class varchar, token_class varchar, service_tier varchar,
    context_band varchar, price_source varchar, source_id varchar, other_price_source varchar, other_source_id varchar,
    usd_per_mtok {MONEY}, other_usd_per_mtok {MONEY}, difference_usd_per_mtok {MONEY});
"""


def build(
    home: Path, *, empty: bool = False, days: int = DAYS, as_of: datetime = AS_OF, without: str | None = None
) -> Path:
    """Write ``home/published/inferledger.duckdb``; ``without`` (``table`` or ``table.column``) plays an older file."""
    target = home / "published" / "inferledger.duckdb"
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".new")
    draft.unlink(missing_ok=True)
    words = {"as_of": as_of.date().isoformat(), "days": days, "money": MONEY}
    with duckdb.connect(str(draft)) as connection:
        connection.execute(DDL)
        if not empty:
            for script in (
                rows.STREAMS,
                rows.SPEND,
                rows.TOKENS,
                rows.CAPACITY,
                rows.CLOSED,
                rows.OWNED,
                rows.REST,
                rows.RECONCILED,
            ):
                connection.execute(script.format(**words))
        connection.execute(rows.REPORTED)
        connection.execute(
            "insert into publication select ?, 'run-fixture', case when ? then null else ?::date - 3 end, 1",
            [as_of.replace(tzinfo=None), empty, as_of.date()],
        )
        if without is not None:
            table, _, column = without.partition(".")
            connection.execute(f"alter table {table} drop column {column}" if column else f"drop table {table}")
    draft.replace(target)
    return target


if __name__ == "__main__":
    build(Path(sys.argv[1]))
