with

usage as (
    select * from {{ ref('int_usage_daily') }}
),

owners as (
    select * from {{ ref('int_owners_daily') }}
    where service_name is null and resource_id is null and principal is null
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
    left join owners
        on
            usage.provider = owners.provider
            and usage.billing_account_id is not distinct from owners.billing_account_id
            and usage.sub_account_id is not distinct from owners.sub_account_id
            and usage.region_id is not distinct from owners.region_id
            and usage.workload_id is not distinct from owners.workload_id
            and usage.usage_date = owners.owned_date
),

attributed as (
    select
        * exclude (owner_team, owner_product, owner_environment, owner_method),
        {{ attribution() }}
    from owned
)

select * from attributed
