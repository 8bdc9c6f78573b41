-- actual and amortized are two views of one bill: each row holds what was billed and what the use of it cost
{% set key %}
    charge_date, billing_account_id, sub_account_id, resource_id, region_id, consumed_service, service_name,
    meter_subcategory, meter, unit_of_measure, charge_type, pricing_model, publisher_name, deployment_tag, tags,
    billing_currency, route, charge_class, commitment_id
{% endset %}

with

rows_of_both_views as (
    select * from {{ ref('int_azure_cost_rows') }}
),

-- a month whose amortized view never landed has no known effective cost
amortized_months as (
    select
        billing_account_id,
        window_month
    from rows_of_both_views
    where view = 'amortized'
    group by billing_account_id, window_month
),

summed as (
    select
        {{ key }},
        min(window_month) as billing_month,
        max(invoice_id) as invoice_id,
        max(sku_id) as sku_id,
        max(sub_account_name) as sub_account_name,
        -- rows of one day and account share the bill's rate; where they do not, none is the bill's
        case when min(usd_per_currency) = max(usd_per_currency) then max(usd_per_currency) end as usd_per_currency,
        cast(coalesce(sum(cost) filter (where view = 'actual'), 0) as decimal(38, 12)) as billed_cost,
        cast(coalesce(sum(cost) filter (where view = 'amortized'), 0) as decimal(38, 12)) as amortized_cost,
        cast(coalesce(sum(quantity) filter (where view = 'actual'), 0) as decimal(38, 12)) as billed_quantity,
        cast(coalesce(sum(quantity) filter (where view = 'amortized'), 0) as decimal(38, 12)) as amortized_quantity,
        -- unknown as soon as one of its rows has no list price
        case
            when count(*) filter (where view = 'actual' and list_cost is null) = 0
                then cast(sum(list_cost) filter (where view = 'actual') as decimal(38, 12))
        end as list_cost
    from rows_of_both_views
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
