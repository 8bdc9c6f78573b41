{{ config(
    materialized='incremental',
    meta={
        'part': 'charge_date',
        'built_from': {'int_charges': 'charge_date', 'int_scope_decisions': 'whole', 'dim_fx_rate': 'rate_date'},
    },
    **by_part()
) }}

with

charges as (
    select * from {{ ref('int_charges') }}
    where {{ is_changed_part('charge_date') }}
),

decisions as (
    select * from {{ ref('int_scope_decisions') }}
),

fx_rates as (
    select * from {{ ref('dim_fx_rate') }}
),

-- the bill's own rate wins; there is at most one other per currency and day, so the join changes no row count
rated as (
    select
        charges.* exclude (usd_per_currency),
        coalesce(charges.usd_per_currency, fx_rates.usd_per_currency) as usd_per_currency,
        case when charges.usd_per_currency is not null then 'bill' else coalesce(fx_rates.source, 'none') end as fx_source
    from charges
    left join fx_rates
        on
            charges.usd_per_currency is null
            and charges.billing_currency = fx_rates.currency
            and charges.charge_date = fx_rates.rate_date
),

-- every charge has exactly one decision: the join changes no row count
scoped as (
    select
        rated.*,
        {{ thing_id('rated', without=['key_id']) }} as thing_id,
        decisions.is_in_scope,
        decisions.scope_rule_id,
        {{ money_mul('rated.billed_cost', 'rated.usd_per_currency') }} as billed_cost_usd,
        {{ money_mul('rated.effective_cost', 'rated.usd_per_currency') }} as effective_cost_usd
    from rated
    inner join decisions
        on
            rated.provider = decisions.provider
            and rated.service_name is not distinct from decisions.service_name
            and rated.service_id is not distinct from decisions.service_id
            and rated.sku is not distinct from decisions.sku
            and rated.product_family is not distinct from decisions.product_family
)

select * from scoped
