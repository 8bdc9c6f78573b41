{{ config(materialized='view') }}

with

charges as (
    select * from {{ ref('int_charges_scoped') }}
    where is_in_scope
),

owners as (
    select * from {{ ref('int_owners_daily') }}
),

-- at most one owner per thing and day: the join changes no row count
owned as (
    select
        charges.*,
        -- how much of its charge a row is; what splits it keeps the sum of the parts
        cast(1 as decimal(38, 12)) as allocated_ratio,
        owners.team as owner_team,
        owners.product as owner_product,
        owners.environment as owner_environment,
        owners.method as owner_method,
        owners.rule_id as owner_rule_id
    from charges
    left join owners on charges.thing_id = owners.thing_id and charges.charge_date = owners.owned_date
)

select * from owned
