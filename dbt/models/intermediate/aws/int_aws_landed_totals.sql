with

line_items as (
    select * from {{ ref('stg_aws_cur__line_items') }}
),

totals as (
    select
        'aws' as provider,
        payer_account_id as billing_account_id,
        billing_month,
        currency_code as billing_currency,
        cast(sum(unblended_cost) as decimal(38, 12)) as landed_cost
    from line_items
    group by payer_account_id, billing_month, currency_code
)

select * from totals
