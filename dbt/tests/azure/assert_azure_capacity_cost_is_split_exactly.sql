-- the hours of an account's day sum to its amortized provisioned cost, to the last decimal
with

hours as (
    select
        split_part(capacity_id, '/', 1) as account_name,
        price_scope,
        cast(hour_start as date) as charge_date,
        sum(capacity_cost_usd) as capacity_cost_usd
    from {{ ref('int_azure_capacity_hourly') }}
    where capacity_cost_usd is not null
    group by split_part(capacity_id, '/', 1), price_scope, cast(hour_start as date)
),

billed as (
    select
        regexp_extract(resource_id, '/accounts/([^/]+)', 1) as account_name,
        price_scope,
        charge_date,
        effective_cost
    from {{ ref('int_azure_provisioned_costs') }}
)

select
    hours.account_name,
    hours.price_scope,
    hours.charge_date,
    hours.capacity_cost_usd,
    billed.effective_cost
from hours
inner join billed
    on
        hours.account_name = billed.account_name
        and hours.price_scope = billed.price_scope
        and hours.charge_date = billed.charge_date
where hours.capacity_cost_usd <> billed.effective_cost
