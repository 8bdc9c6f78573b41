with

actual as (
    select * from {{ ref('int_azure_cost_rows') }}
    where view = 'actual'
),

totals as (
    select
        'azure' as provider,
        billing_account_id,
        window_month as billing_month,
        billing_currency,
        cast(sum(cost) as decimal(38, 12)) as landed_cost
    from actual
    group by billing_account_id, window_month, billing_currency
)

select * from totals
