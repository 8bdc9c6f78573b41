with

account_prices as (
    select * from {{ ref('stg_gcp_billing__account_prices') }}
),

-- the first tier is what nearly everyone pays; tiers count from midnight Pacific time
first_tiers as (
    select
        billing_account_id,
        service_id,
        service_name,
        sku_id,
        sku,
        pricing_unit,
        billing_currency,
        priced_on,
        list_rates[1] as list_rate,
        account_rates[1] as account_rate,
        len(list_rates) as tier_count
    from account_prices
),

priced as (
    select
        * exclude (list_rate, account_rate),
        cast(coalesce(account_rate, list_rate)['pricing_unit_quantity'] as decimal(38, 12)) as pricing_unit_quantity,
        cast(list_rate['usd_amount'] as decimal(38, 12)) as list_usd,
        cast(account_rate['usd_amount'] as decimal(38, 12)) as contract_usd,
        account_rate is not null as has_contract_price
    from first_tiers
),

termed as (
    select
        *,
        concat_ws('/', list_usd, coalesce(contract_usd, list_usd), pricing_unit_quantity) as terms
    from priced
),

-- a snapshot holds from its day until the next one that says otherwise; the first one has none before it
changed as (
    select
        * exclude (terms),
        coalesce(
            terms <> lag(terms) over (
                partition by billing_account_id, sku_id
                order by priced_on
            ),
            true
        ) as is_change
    from termed
),

dated as (
    select
        * exclude (priced_on, is_change),
        priced_on as valid_from,
        lead(priced_on) over (
            partition by billing_account_id, sku_id
            order by priced_on
        ) as valid_to
    from changed
    where is_change
)

select * from dated
