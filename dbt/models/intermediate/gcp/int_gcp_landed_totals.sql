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
        cost as amount,
        cost_type = 'rounding_error' as is_rounding
    from export_rows
    union all
    select
        billing_account_id,
        billing_month,
        billing_currency,
        amount,
        false as is_rounding
    from credits
),

totals as (
    select
        'gcp' as provider,
        billing_account_id,
        billing_month,
        billing_currency,
        cast(sum(amount) as decimal(38, 12)) as landed_cost,
        cast(null as decimal(38, 12)) as provider_cost,
        -- Google exports the invoice's rounding with the invoice: from then on the month sums to it
        case when bool_or(is_rounding) then cast(sum(amount) as decimal(38, 12)) end as invoice_cost
    from amounts
    group by billing_account_id, billing_month, billing_currency
)

select * from totals
