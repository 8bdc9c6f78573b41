with

costs as (
    select
        *,
        {{ azure_tags('"Tags"') }} as tag_map
    from {{ source('azure_cost', 'ea_costs') }}
),

renamed as (
    select
        _billing_account_id as billing_account_id,
        nullif(lower(trim("SubscriptionId")), '') as sub_account_id,
        nullif(lower(trim("ResourceId")), '') as resource_id,
        nullif(replace(lower(trim("ResourceLocation")), ' ', ''), '') as region_id,
        {{ azure_consumed_service('"ConsumedService"') }} as consumed_service,
        nullif(trim("MeterCategory"), '') as service_name,
        nullif(trim("MeterSubCategory"), '') as meter_subcategory,
        nullif(trim("MeterName"), '') as meter,
        nullif(trim("UnitOfMeasure"), '') as unit_of_measure,
        nullif(trim("ChargeType"), '') as charge_type,
        nullif(trim("PricingModel"), '') as pricing_model,
        nullif(trim("PublisherName"), '') as publisher_name,
        {{ azure_deployment_tag('tag_map') }} as deployment_tag,
        tag_map as tags,
        upper(trim(coalesce("BillingCurrency", "BillingCurrencyCode"))) as billing_currency,
        {{ to_money('"Quantity"') }} as quantity,
        {{ to_money('coalesce("Cost", "CostInBillingCurrency")') }} as cost,
        {{ azure_number('"PayGPrice"') }} as list_unit_price,
        _view as view,
        _route as route,
        _scope_kind as scope_kind,
        {{ azure_day('"Date"') }} as charge_date,
        cast(_window_start as date) as window_month,
        cast(null as varchar) as invoice_id,
        nullif(lower(trim("MeterId")), '') as sku_id,
        cast(null as varchar) as charge_class,
        nullif(trim("SubscriptionName"), '') as sub_account_name,
        coalesce(nullif(lower(trim("ReservationId")), ''), nullif(lower(trim("benefitId")), '')) as commitment_id,
        cast(null as decimal(18, 12)) as usd_per_currency
    from costs
),

-- a price of nothing on a row that costs something is Azure's way to say that it has none
priced as (
    select
        *,
        case
            when charge_type = 'Usage' and (list_unit_price <> 0 or cost = 0)
                then {{ money_mul('list_unit_price', 'quantity') }}
        end as list_cost
    from renamed
)

select {{ azure_cost_columns() }}
from priced
