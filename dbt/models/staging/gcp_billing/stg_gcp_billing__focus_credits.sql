with

focus_rows as (
    select * from {{ source('gcp_billing', 'focus_rows') }}
    where len("x_Credits") > 0
),

-- one row per credit: credits are rows of their own, never added to the cost of the row that carries them
unnested as (
    select
        * exclude ("x_Credits"),
        unnest("x_Credits") as credit
    from focus_rows
),

cast_credits as (
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
        {{ focus_label_map('"x_Labels"') }} as request_labels,
        {{ focus_label_map('"x_ProjectLabels"') }} as project_labels,
        export_kind,
        read_from,
        credit['Type'] as credit_type,
        credit['FullName'] as credit_name,
        "BillingCurrency" as billing_currency,
        {{ inverse_rate('"x_CurrencyConversionRate"') }} as usd_per_currency,
        {{ to_money("credit['Amount']") }} as amount,
        cast(date_trunc('month', cast("BillingPeriodStart" as timestamp)) as date) as billing_month,
        cast(cast("ChargePeriodStart" as timestamp) as date) as charge_date
    from unnested
)

select * from cast_credits
