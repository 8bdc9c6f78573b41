with

months as (
    select * from {{ ref('stg_closed__months') }}
),

sides as (
    select
        billing_month,
        provider,
        billing_account_id,
        billing_currency,
        mart_cost as closed_cost,
        cast(0 as decimal(38, 12)) as current_cost
    from {{ ref('stg_closed__provider_totals') }}
    union all
    select
        billing_month,
        provider,
        billing_account_id,
        billing_currency,
        0 as closed_cost,
        mart_cost as current_cost
    from {{ ref('fct_provider_totals') }}
),

-- a closed month without any bill left keeps its rows; each row of a side finds its month or is of an open one
closed as (
    select
        sides.billing_month,
        sides.provider,
        sides.billing_account_id,
        sides.billing_currency,
        months.revision,
        months.closed_as_of,
        months.closed_by,
        months.manifest_hash,
        months.reason,
        cast(sum(sides.closed_cost) as decimal(38, 12)) as closed_cost,
        cast(sum(sides.current_cost) as decimal(38, 12)) as current_cost,
        cast(sum(sides.current_cost) - sum(sides.closed_cost) as decimal(38, 12)) as moved_cost
    from sides
    inner join months on sides.billing_month = months.closed_month
    group by
        sides.billing_month, sides.provider, sides.billing_account_id, sides.billing_currency, months.revision,
        months.closed_as_of, months.closed_by, months.manifest_hash, months.reason
)

select * from closed
