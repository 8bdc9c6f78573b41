with

export_rows as (
    select * from {{ ref('int_gcp_export_rows') }}
),

credits as (
    select * from {{ ref('int_gcp_export_credits') }}
),

amounts as (
    select
        billing_account_id,
        billing_month,
        billing_currency,
        cost as amount
    from export_rows
    union all
    select
        billing_account_id,
        billing_month,
        billing_currency,
        amount
    from credits
),

totals as (
    select
        'gcp' as provider,
        billing_account_id,
        billing_month,
        billing_currency,
        cast(sum(amount) as decimal(38, 12)) as landed_cost
    from amounts
    group by billing_account_id, billing_month, billing_currency
)

select * from totals
