{% set thing = 'provider, sub_account_id, workload_id, model' %}

with

shared_days as (
    select distinct
        {{ thing }},
        charge_date
    from {{ ref('int_logged_shares') }}
),

-- a workload's day is whole or in parts, never both: the same condition tells which
usage as (
    select usage.*
    from {{ ref('int_usage_daily') }} as usage
    left join shared_days
        on {{ same_things('usage', 'shared_days', thing) }} and usage.usage_date = shared_days.charge_date
    where usage.native_team is not null or shared_days.provider is null
    union all by name
    select * from {{ ref('int_usage_shared') }}
),

owners as (
    select * from {{ ref('int_owners_daily') }}
),

-- at most one owner per thing and day: the join changes no row count
owned as (
    select
        usage.*,
        owners.team as owner_team,
        owners.product as owner_product,
        owners.environment as owner_environment,
        owners.method as owner_method
    from usage
    left join owners on usage.thing_id = owners.thing_id and usage.usage_date = owners.owned_date
),

attributed as (
    select
        * exclude (owner_team, owner_product, owner_environment, owner_method),
        {{ attribution() }}
    from owned
)

select * from attributed
