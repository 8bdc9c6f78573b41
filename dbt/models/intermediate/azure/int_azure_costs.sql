-- actual and amortized are two views of one bill: each row holds what was billed and what the use of it cost
{% set key %}
    charge_date, billing_account_id, sub_account_id, resource_id, region_id, consumed_service, service_name,
    meter_subcategory, meter, unit_of_measure, charge_type, pricing_model, deployment_tag, billing_currency
{% endset %}

with

actual as (
    select
        *,
        'actual' as view
    from {{ ref('stg_azure_cost__actual_costs') }}
),

amortized as (
    select
        *,
        'amortized' as view
    from {{ ref('stg_azure_cost__amortized_costs') }}
),

both_views as (
    select * from actual
    union all
    select * from amortized
),

-- a month whose amortized view never landed has no known effective cost
amortized_months as (
    select
        billing_account_id,
        window_month
    from amortized
    group by billing_account_id, window_month
),

summed as (
    select
        {{ key }},
        min(window_month) as billing_month,
        cast(coalesce(sum(cost) filter (where view = 'actual'), 0) as decimal(38, 12)) as billed_cost,
        cast(coalesce(sum(cost) filter (where view = 'amortized'), 0) as decimal(38, 12)) as amortized_cost,
        cast(coalesce(sum(quantity) filter (where view = 'actual'), 0) as decimal(38, 12)) as billed_quantity,
        cast(coalesce(sum(quantity) filter (where view = 'amortized'), 0) as decimal(38, 12)) as amortized_quantity
    from both_views
    group by {{ key }}
),

-- at most one row per account and month on the right: the join changes no row count
merged as (
    select
        summed.* exclude (amortized_cost),
        case when amortized_months.window_month is not null then summed.amortized_cost end as effective_cost
    from summed
    left join amortized_months
        on
            summed.billing_account_id = amortized_months.billing_account_id
            and summed.billing_month = amortized_months.window_month
)

select * from merged
