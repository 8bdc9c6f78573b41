with

routes as (
    select * from {{ ref('int_aws_bill_routes') }}
    where is_counted
),

bill_days as (
    select * from {{ ref('int_aws_bill_days') }}
),

cost_explorer as (
    select * from {{ ref('stg_aws_cur__cost_explorer') }}
    where grouped_by = 'service'
),

landed as (
    select
        payer_account_id,
        billing_month,
        currency_code,
        cast(sum(landed_cost) as decimal(38, 12)) as landed_cost
    from routes
    group by payer_account_id, billing_month, currency_code
),

-- an invoice is whole once each of its rows carries an invoice id
invoiced as (
    select
        payer_account_id,
        billing_month,
        currency_code,
        cast(sum(unblended_cost) as decimal(38, 12)) as invoice_cost
    from bill_days
    group by payer_account_id, billing_month, currency_code
    having sum(line_item_count) = sum(invoiced_count)
),

explored as (
    select
        payer_account_id,
        cast(date_trunc('month', charge_date) as date) as billing_month,
        currency_code,
        cast(sum(amount) as decimal(38, 12)) as provider_cost
    from cost_explorer
    group by payer_account_id, date_trunc('month', charge_date), currency_code
),

-- both right sides have one row per payer, month and currency: the joins change no row count
totals as (
    select
        'aws' as provider,
        landed.payer_account_id as billing_account_id,
        landed.billing_month,
        landed.currency_code as billing_currency,
        landed.landed_cost,
        explored.provider_cost,
        invoiced.invoice_cost
    from landed
    left join explored
        on
            landed.payer_account_id = explored.payer_account_id
            and landed.billing_month = explored.billing_month
            and landed.currency_code = explored.currency_code
    left join invoiced
        on
            landed.payer_account_id = invoiced.payer_account_id
            and landed.billing_month = invoiced.billing_month
            and landed.currency_code = invoiced.currency_code
)

select * from totals
