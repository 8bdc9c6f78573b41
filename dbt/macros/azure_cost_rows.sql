{# the rows of one view of Azure's bill as landed, renamed and cast; region names lose case and blanks #}
{% macro azure_cost_rows(relation) -%}
    select
        lower(_billing_account_id) as billing_account_id,
        nullif(lower(trim("SubscriptionId")), '') as sub_account_id,
        nullif(lower(trim("ResourceId")), '') as resource_id,
        nullif(replace(lower(trim("ResourceLocation")), ' ', ''), '') as region_id,
        nullif(trim("ConsumedService"), '') as consumed_service,
        nullif(trim("ServiceName"), '') as service_name,
        nullif(trim("ServiceTier"), '') as meter_subcategory,
        nullif(trim("Meter"), '') as meter,
        nullif(trim("UnitOfMeasure"), '') as unit_of_measure,
        nullif(trim("ChargeType"), '') as charge_type,
        nullif(trim("PricingModel"), '') as pricing_model,
        nullif(lower(trim("TagValue")), '') as deployment_tag,
        upper(trim("Currency")) as billing_currency,
        {{ to_money('"UsageQuantity"') }} as quantity,
        {{ to_money('"Cost"') }} as cost,
        cast(strptime(cast("UsageDate" as varchar), '%Y%m%d') as date) as charge_date,
        cast(_window_start as date) as window_month
    from {{ relation }}
{%- endmacro %}
