with

charges as (
    select * from {{ ref('int_charges_attributed') }}
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
)

select * from spend
