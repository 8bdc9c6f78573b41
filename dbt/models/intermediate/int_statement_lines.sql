with

charges as (
    select
        billing_month,
        provider,
        billing_account_id,
        team,
        product,
        model,
        charge_category,
        pricing_category,
        attribution_method,
        attribution_evidence,
        attribution_confidence,
        split_from_team,
        split_path,
        cost_status,
        billing_currency,
        billed_cost,
        effective_cost,
        list_cost,
        consumed_tokens
    from {{ ref('int_charges_attributed') }}
),

estimates as (
    select
        cast(date_trunc('month', usage_date) as date) as billing_month,
        provider,
        billing_account_id,
        team,
        product,
        model,
        'Usage' as charge_category,
        'on_demand' as pricing_category,
        attribution_method,
        cast(null as varchar) as attribution_evidence,
        {{ attribution_confidence('attribution_method') }} as attribution_confidence,
        cast(null as varchar) as split_from_team,
        cast(null as varchar) as split_path,
        'estimate' as cost_status,
        'USD' as billing_currency,
        cast(null as decimal(38, 12)) as billed_cost,
        contract_cost_usd as effective_cost,
        list_cost_usd as list_cost,
        tokens as consumed_tokens
    from {{ ref('int_usage_estimated') }}
),

stacked as (
    select * from charges
    union all
    select * from estimates
),

lines as (
    select
        billing_month,
        provider,
        billing_account_id,
        team,
        product,
        model,
        charge_category,
        pricing_category,
        attribution_method,
        attribution_evidence,
        attribution_confidence,
        split_from_team,
        split_path,
        cost_status,
        billing_currency,
        {{ known_sum('billed_cost') }} as billed_cost,
        {{ known_sum('effective_cost') }} as effective_cost,
        {{ known_sum('list_cost') }} as list_cost,
        cast(sum(consumed_tokens) as bigint) as consumed_tokens
    from stacked
    group by
        billing_month, provider, billing_account_id, team, product, model, charge_category, pricing_category,
        attribution_method, attribution_evidence, attribution_confidence, split_from_team, split_path, cost_status,
        billing_currency
)

select * from lines
