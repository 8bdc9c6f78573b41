-- the causes of a restatement explain each team's movement to the last decimal, summed here by another way
with

closed as (
    select
        billing_month,
        provider,
        team,
        billing_currency,
        sum(billed_cost) as amount
    from {{ ref('stg_closed__spend_daily') }}
    where cost_status <> 'estimate'
    group by billing_month, provider, team, billing_currency
),

present as (
    select
        billing_month,
        provider,
        team,
        billing_currency,
        sum(billed_cost) as amount
    from {{ ref('fct_spend_daily') }}
    where cost_status <> 'estimate' and billing_month in (select closed_month from {{ ref('stg_closed__months') }})
    group by billing_month, provider, team, billing_currency
),

explained as (
    select
        billing_month,
        provider,
        team,
        billing_currency,
        sum(moved_amount) as amount
    from {{ ref('fct_closed_month_movement') }}
    where measure = 'billed_cost'
    group by billing_month, provider, team, billing_currency
),

sides as (
    select *, 1 as sign from present
    union all
    select *, -1 as sign from closed
    union all
    select *, -1 as sign from explained
)

select
    billing_month,
    provider,
    team,
    billing_currency,
    sum(amount * sign) as unexplained
from sides
group by billing_month, provider, team, billing_currency
having sum(amount * sign) <> 0
