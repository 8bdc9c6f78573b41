with

costs as (
    select
        *,
        {{ azure_tags('tags') }} as tag_map
    from {{ source('azure_cost', 'mca_costs') }}
),

renamed as (
    select
        _billing_account_id as billing_account_id,
        nullif(lower(trim("SubscriptionId")), '') as sub_account_id,
        nullif(lower(trim("ResourceId")), '') as resource_id,
        nullif(replace(lower(trim("resourceLocation")), ' ', ''), '') as region_id,
        {{ azure_consumed_service('"consumedService"') }} as consumed_service,
        nullif(trim("meterCategory"), '') as service_name,
        nullif(trim("meterSubCategory"), '') as meter_subcategory,
        nullif(trim("meterName"), '') as meter,
        nullif(trim("unitOfMeasure"), '') as unit_of_measure,
        nullif(trim("chargeType"), '') as charge_type,
        nullif(trim("pricingModel"), '') as pricing_model,
        nullif(trim("publisherName"), '') as publisher_name,
        {{ azure_deployment_tag('tag_map') }} as deployment_tag,
        tag_map as tags,
        upper(trim("billingCurrency")) as billing_currency,
        upper(trim("pricingCurrency")) as pricing_currency,
        {{ to_money('quantity') }} as quantity,
        {{ to_money('"costInBillingCurrency"') }} as cost,
        {{ azure_number('"PayGPrice"') }} as list_unit_price,
        {{ azure_number('"paygCostInBillingCurrency"') }} as told_list_cost,
        _view as view,
        _route as route,
        _scope_kind as scope_kind,
        {{ azure_day('"date"') }} as charge_date,
        cast(_window_start as date) as window_month,
        nullif(trim("invoiceId"), '') as invoice_id,
        nullif(lower(trim("meterId")), '') as sku_id,
        cast(null as varchar) as charge_class,
        nullif(trim("subscriptionName"), '') as sub_account_name,
        coalesce(nullif(lower(trim("reservationId")), ''), nullif(lower(trim("benefitId")), '')) as commitment_id,
        {{ azure_number('"exchangeRatePricingToBilling"') }} as billing_per_pricing_currency
    from costs
),

-- the agreement's own list cost, else price times quantity where both are in the billing currency
priced as (
    select
        *,
        case
            when charge_type <> 'Usage' then null
            when told_list_cost <> 0 or cost = 0 then told_list_cost
            when pricing_currency = billing_currency and list_unit_price <> 0
                then {{ money_mul('list_unit_price', 'quantity') }}
        end as list_cost,
        -- the rate says what one unit of the prices' currency costs in the bill's
        case
            when pricing_currency = 'USD' and billing_per_pricing_currency > 0
                then cast({{ exact_ratio('1', 'billing_per_pricing_currency') }} as decimal(18, 12))
        end as usd_per_currency
    from renamed
)

select {{ azure_cost_columns() }}
from priced
