with

costs as (
    select * from {{ ref('stg_anthropic__costs') }}
),

totals as (
    select
        'anthropic' as provider,
        organization_id as billing_account_id,
        cast(date_trunc('month', charge_date) as date) as billing_month,
        billing_currency,
        cast(sum(cost) as decimal(38, 12)) as landed_cost,
        cast(null as decimal(38, 12)) as provider_cost,
        cast(null as decimal(38, 12)) as invoice_cost
    from costs
    group by organization_id, cast(date_trunc('month', charge_date) as date), billing_currency
)

select * from totals
