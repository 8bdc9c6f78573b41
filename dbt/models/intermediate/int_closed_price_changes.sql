{% set price %}
    provider, model, region_class, token_class, service_tier, context_band, usd_per_mtok, contract_usd_per_mtok
{% endset %}

with

months as (
    select
        closed_month as billing_month,
        cast(closed_month + interval 1 month as date) as next_month
    from {{ ref('stg_closed__months') }}
),

prices as (
    select * from {{ ref('dim_price') }}
),

closed as (
    select
        billing_month,
        valid_from,
        valid_to,
        {{ price }}
    from {{ ref('stg_closed__prices') }}
),

-- cut to the month: a price that ends or follows later is no change of it
present as (
    select
        months.billing_month,
        greatest(prices.valid_from, months.billing_month) as valid_from,
        least(coalesce(prices.valid_to, months.next_month), months.next_month) as valid_to,
        {{ price }}
    from months
    inner join prices
        on
            months.next_month > prices.valid_from
            and (prices.valid_to is null or months.billing_month < prices.valid_to)
),

differing as (
    (
        select * from closed
        except
        select * from present
    )
    union all
    (
        select * from present
        except
        select * from closed
    )
),

changed as (
    select
        billing_month,
        provider,
        model
    from differing
    group by billing_month, provider, model
)

select * from changed
