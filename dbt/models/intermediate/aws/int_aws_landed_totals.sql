with

routes as (
    select * from {{ ref('int_aws_bill_routes') }}
    where is_counted
),

totals as (
    select
        'aws' as provider,
        payer_account_id as billing_account_id,
        billing_month,
        currency_code as billing_currency,
        cast(sum(landed_cost) as decimal(38, 12)) as landed_cost
    from routes
    group by payer_account_id, billing_month, currency_code
)

select * from totals
