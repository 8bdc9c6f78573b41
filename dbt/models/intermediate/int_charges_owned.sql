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
    left join owners
        on
            charges.provider = owners.provider
            and charges.billing_account_id is not distinct from owners.billing_account_id
            and charges.sub_account_id is not distinct from owners.sub_account_id
            and charges.region_id is not distinct from owners.region_id
            and charges.service_name is not distinct from owners.service_name
            and charges.resource_id is not distinct from owners.resource_id
            and charges.workload_id is not distinct from owners.workload_id
            and charges.principal is not distinct from owners.principal
            and charges.charge_date = owners.owned_date
)

select * from owned
