-- one row: how far rates are known, and which charges have none; no row where neither rates nor such charges exist
with

rates as (
    select * from {{ ref('dim_fx_rate') }}
    where currency = 'USD'
),

published as (
    select count(*) as rows from {{ ref('stg_fx__reference_rates') }}
),

unrated as (
    select
        sum(charges) as charges,
        string_agg(distinct billing_currency, ', ' order by billing_currency) as currencies
    from {{ ref('fct_fx_conversion') }}
    where fx_source = 'none'
),

reached as (
    select
        max(published_on) as published_on,
        max(rate_date) as rate_date
    from rates
),

status as (
    select
        'fx' as source,
        cast(null as varchar) as provider,
        'ecb' as account_id,
        cast(reached.published_on as timestamp) as watermark,
        reached.rate_date as complete_through,
        published.rows,
        case
            when unrated.charges > 0
                then
                    unrated.charges || ' charges in ' || unrated.currencies
                    || ' have no rate on their day: their USD amount is unknown, and in no USD total.'
        end as message
    from reached
    cross join published
    cross join unrated
    where published.rows > 0 or unrated.charges > 0
)

select * from status
