with

focus_rows as (
    select * from {{ source('gcp_billing', 'focus_rows') }}
),

cast_rows as (
    select
        replace("BillingAccountId", 'billingAccounts/', '') as billing_account_id,
        "SubAccountId" as project_id,
        "SubAccountName" as project_name,
        "x_ServiceId" as service_id,
        "ServiceName" as service_name,
        "SkuId" as sku_id,
        trim(regexp_replace("ChargeDescription", '\s+', ' ', 'g')) as sku,
        nullif("RegionId", '') as region_id,
        coalesce("ResourceId", "x_SubscriptionInstanceId") as resource_id,
        "x_SubscriptionInstanceId" as subscription_id,
        {{ focus_label_map('"x_Labels"') }} as request_labels,
        {{ focus_label_map('"x_ProjectLabels"') }} as project_labels,
        "x_CostType" as cost_type,
        export_kind,
        read_from,
        -- FOCUS tells that a row corrects, not by which of Google's modes
        case when "ChargeClass" = 'Correction' then 'CORRECTION' end as adjustment_mode,
        "BillingCurrency" as billing_currency,
        "ConsumedUnit" as usage_unit,
        cast("ConsumedQuantity" as double) as usage_amount,
        "PricingUnit" as pricing_unit,
        cast("PricingQuantity" as double) as pricing_amount,
        {{ inverse_rate('"x_CurrencyConversionRate"') }} as usd_per_currency,
        {{ to_money('"BilledCost"') }} as cost,
        {{ to_money('"ListCost"') }} as list_cost,
        -- midnight of the month's first day, in Pacific time or in UTC: the same month either way
        cast(date_trunc('month', cast("BillingPeriodStart" as timestamp)) as date) as billing_month,
        cast("ChargePeriodStart" as timestamp) as usage_start_at,
        cast("ChargePeriodEnd" as timestamp) as usage_end_at,
        cast("x_ExportTime" as timestamp) as exported_at,
        cast(cast("ChargePeriodStart" as timestamp) as date) as charge_date
    from focus_rows
)

select * from cast_rows
