{{ config(
    materialized='incremental',
    meta={
        'part': 'usage_date',
        'built_from': {
            'fct_reconciliation': 'usage_date', 'int_residual_gaps': 'usage_date',
            'int_billed_price_gaps': 'usage_date',
        },
    },
    **by_part()
) }}

with

reconciliation as (
    select * from {{ ref('fct_reconciliation') }}
    where residual_usd is not null and is_complete and {{ is_changed_part('usage_date') }}
),

gaps as (
    select * from {{ ref('int_residual_gaps') }}
    where whole_class is null and {{ is_changed_part('usage_date') }}
),

price_gaps as (
    select * from {{ ref('int_billed_price_gaps') }}
    where (found_usd_per_mtok is not null or off_class = 'unknown') and off_usd < 0 and {{ is_changed_part('usage_date') }}
),

-- a price that the provider took instead of the one that was due; where none fits, what the charge works out to
wrong_prices as (
    select
        price_gaps.reconciliation_id,
        case price_gaps.off_class
            when 'unknown' then 'unexplained'
            when 'service_tier' then 'wrong_tier'
            when 'context_band' then 'wrong_context_band'
            when 'cache_class' then 'wrong_cache_price'
            when 'discount' then 'discount_not_applied'
            when 'unit' then 'wrong_unit'
            else 'outdated_price'
        end as overcharge_kind,
        price_gaps.region_class,
        price_gaps.service_tier,
        price_gaps.context_band,
        price_gaps.billed_tokens as tokens,
        price_gaps.due_usd_per_mtok,
        coalesce(
            price_gaps.found_usd_per_mtok, {{ usd_per_mtok('price_gaps.charged_cost_usd', 'price_gaps.billed_tokens') }}
        ) as charged_usd_per_mtok,
        price_gaps.due_cost_usd,
        price_gaps.charged_cost_usd,
        -price_gaps.off_usd as overcharge_usd
    from price_gaps
    inner join gaps on price_gaps.reconciliation_id = gaps.reconciliation_id
),

-- tokens that were never used: counted twice, or in the wrong unit
wrong_tokens as (
    select
        reconciliation_id,
        if(gap_class = 'unit', 'wrong_unit', 'cached_tokens_twice') as overcharge_kind,
        cast(null as varchar) as region_class,
        'standard' as service_tier,
        'default' as context_band,
        -gap_tokens as tokens,
        usd_per_mtok as due_usd_per_mtok,
        usd_per_mtok as charged_usd_per_mtok,
        cast(0 as decimal(38, 12)) as due_cost_usd,
        -gap_usd as charged_cost_usd,
        -gap_usd as overcharge_usd
    from gaps
    where gap_class in ('unit', 'cache_class') and gap_usd < 0
),

overcharges as (
    select * from wrong_prices
    union all
    select * from wrong_tokens
)

select
    concat_ws(
        '|', overcharges.reconciliation_id, overcharges.overcharge_kind, coalesce(overcharges.region_class, ''),
        overcharges.service_tier, overcharges.context_band
    ) as overcharge_id,
    overcharges.reconciliation_id,
    overcharges.overcharge_kind,
    reconciliation.provider,
    reconciliation.billing_account_id,
    reconciliation.usage_date,
    reconciliation.workload_id,
    reconciliation.model,
    reconciliation.token_class,
    overcharges.region_class,
    overcharges.service_tier,
    overcharges.context_band,
    overcharges.tokens,
    overcharges.due_usd_per_mtok,
    overcharges.charged_usd_per_mtok,
    overcharges.due_cost_usd,
    overcharges.charged_cost_usd,
    cast(overcharges.overcharge_usd as decimal(38, 12)) as overcharge_usd,
    overcharges.tokens || ' tokens x ' || {{ price_text('overcharges.charged_usd_per_mtok') }} || ' = '
    || {{ dollars_text('overcharges.charged_cost_usd') }} || ' charged'
    || case
        when overcharges.due_cost_usd = 0 then ', none of them used'
        else ', due at ' || {{ price_text('overcharges.due_usd_per_mtok') }} || ' = ' || {{ dollars_text('overcharges.due_cost_usd') }}
    end
    || ': ' || {{ dollars_text('overcharges.overcharge_usd') }} || ' too much' as arithmetic
from overcharges
-- every row of either side is one of fct_reconciliation: the join changes no row count
inner join reconciliation on overcharges.reconciliation_id = reconciliation.reconciliation_id
