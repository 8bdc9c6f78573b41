{{ config(
    materialized='incremental',
    meta={'part': 'charge_date', 'built_from': {
        'int_charges_attributed': 'charge_date', 'int_usage_estimated': 'usage_date',
        'dim_fx_rate': 'rate_date', 'stg_config__reporting': 'whole',
    }},
    **by_part()
) }}

with

charges as (
    select * from {{ ref('int_charges_attributed') }}
    where {{ is_changed_part('charge_date') }}
),

reporting as (
    select coalesce(max(reporting_currency), 'USD') as reporting_currency from {{ ref('stg_config__reporting') }}
),

-- metered days that no bill has reached yet: not billed, so they have no billed cost
estimated as (
    select
        usage_date as charge_date,
        cast(date_trunc('month', usage_date) as date) as billing_month,
        provider,
        billing_account_id,
        sub_account_id,
        region_id,
        cast(null as varchar) as service_name,
        workload_id,
        team,
        product,
        environment,
        model,
        token_class,
        'on_demand' as pricing_category,
        'Usage' as charge_category,
        attribution_method,
        'estimate' as cost_status,
        'USD' as billing_currency,
        cast(null as decimal(38, 12)) as billed_cost,
        {{ known_sum('contract_cost_usd') }} as effective_cost,
        {{ known_sum('list_cost_usd') }} as list_cost,
        cast(null as decimal(38, 12)) as billed_cost_usd,
        {{ known_sum('contract_cost_usd') }} as effective_cost_usd,
        {{ known_sum('tokens', 'bigint') }} as consumed_tokens
    from {{ ref('int_usage_estimated') }}
    where {{ is_changed_part('usage_date') }}
    group by
        usage_date, provider, billing_account_id, sub_account_id, region_id, workload_id, team, product, environment,
        model, token_class, attribution_method
),

spend as (
    select
        charge_date,
        billing_month,
        provider,
        billing_account_id,
        sub_account_id,
        region_id,
        service_name,
        workload_id,
        team,
        product,
        environment,
        model,
        token_class,
        pricing_category,
        charge_category,
        attribution_method,
        cost_status,
        billing_currency,
        cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
        {{ known_sum('effective_cost') }} as effective_cost,
        {{ known_sum('list_cost') }} as list_cost,
        {{ known_sum('billed_cost_usd') }} as billed_cost_usd,
        {{ known_sum('effective_cost_usd') }} as effective_cost_usd,
        {{ known_sum('consumed_tokens', 'bigint') }} as consumed_tokens
    from charges
    group by
        charge_date, billing_month, provider, billing_account_id, sub_account_id, region_id,
        service_name, workload_id, team, product, environment, model, token_class, pricing_category,
        charge_category, attribution_method, cost_status, billing_currency
),

-- a scope-day is on one side only: int_usage_estimated leaves out what is billed
all_spend as (
    select * from spend
    union all
    select * from estimated
),

-- one reporting currency, and at most one rate of it a day: the joins change no row count
reported as (
    select
        all_spend.* exclude (consumed_tokens),
        reporting.reporting_currency,
        case
            when all_spend.billing_currency = reporting.reporting_currency then all_spend.billed_cost
            when reporting.reporting_currency = 'USD' then all_spend.billed_cost_usd
            else {{ money_mul('all_spend.billed_cost_usd', 'fx_rates.currency_per_usd') }}
        end as billed_cost_reporting,
        case
            when all_spend.billing_currency = reporting.reporting_currency then all_spend.effective_cost
            when reporting.reporting_currency = 'USD' then all_spend.effective_cost_usd
            else {{ money_mul('all_spend.effective_cost_usd', 'fx_rates.currency_per_usd') }}
        end as effective_cost_reporting,
        all_spend.consumed_tokens
    from all_spend
    cross join reporting
    left join {{ ref('dim_fx_rate') }} as fx_rates
        on
            reporting.reporting_currency = fx_rates.currency
            and all_spend.charge_date = fx_rates.rate_date
)

select * from reported
