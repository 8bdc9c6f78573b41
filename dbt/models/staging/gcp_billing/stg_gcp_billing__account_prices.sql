with

account_prices as (
    select * from {{ source('gcp_billing', 'account_prices') }}
),

cast_prices as (
    select
        billing_account_id,
        service['id'] as service_id,
        service['description'] as service_name,
        sku['id'] as sku_id,
        trim(regexp_replace(sku['description'], '\s+', ' ', 'g')) as sku,
        pricing_unit,
        account_currency_code as billing_currency,
        list_price['tiered_rates'] as list_rates,
        -- NULL where no contract gives another price
        billing_account_price['tiered_rates'] as account_rates,
        cast(cast(pricing_as_of_time as timestamp) as date) as priced_on
    from account_prices
)

select * from cast_prices
