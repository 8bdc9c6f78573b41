-- one row of a file holds both views of the bill; each becomes a row, and what a view does not show is left out
with

costs as (
    select
        *,
        {{ azure_tags('"Tags"') }} as tag_map,
        {{ to_money('"BilledCost"') }} as billed_cost,
        {{ to_money('"EffectiveCost"') }} as effective_cost,
        {{ azure_number('"ListCost"') }} as told_list_cost,
        {{ to_money('"ConsumedQuantity"') }} as consumed_quantity,
        {{ azure_number('"PricingQuantity"') }} as pricing_quantity,
        {{ azure_number('"x_PricingBlockSize"') }} as pricing_block_size,
        coalesce("CommitmentDiscountStatus" = 'Unused', false) as is_unused,
        "CommitmentDiscountType" is not null as is_committed
    from {{ source('azure_cost', 'focus_costs') }}
),

renamed as (
    select
        _billing_account_id as billing_account_id,
        nullif(regexp_replace(lower(trim("SubAccountId")), '^/?subscriptions/', ''), '') as sub_account_id,
        nullif(lower(trim("ResourceId")), '') as resource_id,
        nullif(replace(lower(trim("RegionId")), ' ', ''), '') as region_id,
        {{ azure_consumed_service("regexp_extract(\"ResourceId\", '(?i)/providers/([^/]+)', 1)") }} as consumed_service,
        -- an empty name of the service is Azure's gap; the meter's category is what the other files call it
        coalesce(nullif(trim("x_SkuMeterCategory"), ''), nullif(trim("ServiceName"), '')) as service_name,
        nullif(trim("x_SkuMeterSubcategory"), '') as meter_subcategory,
        coalesce(nullif(trim("x_SkuMeterName"), ''), nullif(trim("SkuMeter"), ''), nullif(trim("ChargeDescription"), '')) as meter,
        nullif(trim("x_PricingUnitDescription"), '') as unit_of_measure,
        case
            when is_unused then 'Unused' || replace(coalesce("CommitmentDiscountType", ''), ' ', '')
            when "ChargeClass" = 'Correction' and "ChargeCategory" = 'Purchase' then 'Refund'
            else nullif(trim("ChargeCategory"), '')
        end as charge_type,
        case
            when is_committed then replace("CommitmentDiscountType", ' ', '')
            when "PricingCategory" = 'Standard' then 'OnDemand'
            when "PricingCategory" = 'Dynamic' then 'Spot'
        end as pricing_model,
        nullif(trim("PublisherName"), '') as publisher_name,
        {{ azure_deployment_tag('tag_map') }} as deployment_tag,
        tag_map as tags,
        upper(trim("BillingCurrency")) as billing_currency,
        -- Azure's consumed quantity is in blocks of the unit of measure; where there is none, the priced one is
        coalesce(
            consumed_quantity,
            {{ money_mul('pricing_quantity', 'coalesce(pricing_block_size, 1)') }}
        ) as quantity,
        billed_cost,
        effective_cost,
        case
            when
                "ChargeCategory" = 'Usage'
                and not is_unused
                and (told_list_cost <> 0 or (billed_cost = 0 and effective_cost = 0))
                then told_list_cost
        end as list_cost,
        is_unused,
        is_committed,
        'focus' as route,
        _scope_kind as scope_kind,
        {{ azure_day('"ChargePeriodStart"') }} as charge_date,
        cast(_window_start as date) as window_month,
        nullif(trim("InvoiceId"), '') as invoice_id,
        nullif(trim("SkuId"), '') as sku_id,
        nullif(trim("ChargeClass"), '') as charge_class,
        nullif(trim("SubAccountName"), '') as sub_account_name,
        nullif(lower(trim("CommitmentDiscountId")), '') as commitment_id,
        cast(null as decimal(18, 12)) as usd_per_currency
    from costs
),

both_views as (
    select
        *,
        'actual' as view,
        billed_cost as cost
    from renamed
    where not is_unused or billed_cost <> 0
    union all
    select
        *,
        'amortized' as view,
        effective_cost as cost
    from renamed
    where charge_type not in ('Purchase', 'Refund') or not is_committed or effective_cost <> 0
)

select {{ azure_cost_columns() }}
from both_views
