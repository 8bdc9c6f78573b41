{% set spend %}
    billing_month, provider, model, team, billing_currency, charge_category, billed_cost, effective_cost, list_cost,
    consumed_tokens,
    concat_ws(
        '|', charge_date, provider, billing_account_id, coalesce(sub_account_id, ''), coalesce(region_id, ''),
        coalesce(service_name, ''), coalesce(workload_id, ''), coalesce(model, ''), token_class, pricing_category,
        charge_category
    ) as scope_id
{% endset %}
{% set metered %}
    provider, model, team, estimated_cost_usd, contract_cost_usd,
    coalesce(input_tokens, 0) + coalesce(output_tokens, 0) + coalesce(cache_read_tokens, 0)
    + coalesce(cache_write_tokens, 0) as tokens,
    concat_ws(
        '|', usage_date, provider, coalesce(billing_account_id, ''), coalesce(sub_account_id, ''),
        coalesce(workload_id, ''), coalesce(model, '')
    ) as scope_id
{% endset %}

with

months as (
    select closed_month from {{ ref('stg_closed__months') }}
),

spend as (
    select 'closed' as side, {{ spend }} from {{ ref('stg_closed__spend_daily') }}
    where cost_status <> 'estimate'
    union all
    select 'current' as side, {{ spend }} from {{ ref('fct_spend_daily') }}
    where cost_status <> 'estimate' and billing_month in (select months.closed_month from months)
),

metered as (
    select 'closed' as side, billing_month, {{ metered }} from {{ ref('stg_closed__tokens_daily') }}
    union all
    select
        'current' as side,
        cast(date_trunc('month', usage_date) as date) as billing_month,
        {{ metered }}
    from {{ ref('fct_tokens_daily') }}
    where date_trunc('month', usage_date) in (select months.closed_month from months)
),

spend_measures as (
    select unnest(['billed_cost', 'effective_cost', 'list_cost']) as measure
),

metered_measures as (
    select unnest(['metered_list_cost', 'metered_contract_cost']) as measure
),

-- one row per measure of each row
measured as (
    select
        spend.side,
        spend.billing_month,
        spend.provider,
        spend.model,
        spend.team,
        spend.billing_currency,
        spend.charge_category,
        spend_measures.measure,
        spend.scope_id,
        case spend_measures.measure
            when 'billed_cost' then spend.billed_cost
            when 'effective_cost' then spend.effective_cost
            else spend.list_cost
        end as amount,
        spend.billed_cost,
        spend.consumed_tokens as tokens
    from spend
    cross join spend_measures
    union all
    select
        metered.side,
        metered.billing_month,
        metered.provider,
        metered.model,
        metered.team,
        'USD' as billing_currency,
        'Usage' as charge_category,
        metered_measures.measure,
        metered.scope_id,
        case metered_measures.measure
            when 'metered_list_cost' then metered.estimated_cost_usd
            else metered.contract_cost_usd
        end as amount,
        cast(null as decimal(38, 12)) as billed_cost,
        metered.tokens
    from metered
    cross join metered_measures
)

select * from measured
