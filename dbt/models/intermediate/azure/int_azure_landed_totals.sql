with

actual as (
    select * from {{ ref('int_azure_cost_rows') }}
    where view = 'actual'
),

-- what another of Azure's routes says of the same account and month: the query beside the export
other_routes as (
    select
        billing_account_id,
        billing_month,
        min_by(landed_cost, route) as provider_cost
    from {{ ref('int_azure_routes') }}
    where not is_chosen and covers_the_account and landed_cost is not null
    group by billing_account_id, billing_month
),

summed as (
    select
        billing_account_id,
        window_month as billing_month,
        billing_currency,
        cast(sum(cost) as decimal(38, 12)) as landed_cost,
        count(*) over (partition by billing_account_id, window_month) as currency_count
    from actual
    group by billing_account_id, window_month, billing_currency
),

-- the other route's sum has no currency of its own, so it stands only where the account is billed in one; one row per
-- account and month: the join changes no row count
totals as (
    select
        'azure' as provider,
        summed.billing_account_id,
        summed.billing_month,
        summed.billing_currency,
        summed.landed_cost,
        case when summed.currency_count = 1 then other_routes.provider_cost end as provider_cost,
        cast(null as decimal(38, 12)) as invoice_cost
    from summed
    left join other_routes
        on
            summed.billing_account_id = other_routes.billing_account_id
            and summed.billing_month = other_routes.billing_month
)

select * from totals
