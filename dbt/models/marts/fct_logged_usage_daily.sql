with

logged as (
    select * from {{ ref('int_logged_usage') }}
),

owners as (
    select * from {{ ref('int_owners_daily') }}
    where service_name is null and resource_id is null
),

-- at most one owner per thing and day: the join changes no row count
attributed as (
    select
        logged.*,
        case when logged.native_team is not null then 'request_label' end as native_method,
        owners.team as owner_team,
        owners.product as owner_product,
        owners.environment as owner_environment,
        owners.method as owner_method
    from logged
    left join owners
        on
            logged.provider = owners.provider
            and logged.billing_account_id is not distinct from owners.billing_account_id
            and logged.sub_account_id is not distinct from owners.sub_account_id
            and logged.region_id is not distinct from owners.region_id
            and logged.workload_id is not distinct from owners.workload_id
            and logged.principal is not distinct from owners.principal
            and cast(logged.hour_start as date) = owners.owned_date
),

named as (
    select
        * exclude (owner_team, owner_product, owner_environment, owner_method),
        {{ attribution() }}
    from attributed
),

daily as (
    select
        cast(hour_start as date) as usage_date,
        source,
        provider,
        billing_account_id,
        sub_account_id,
        region_id,
        workload_id,
        model,
        team,
        product,
        environment,
        key_id,
        principal,
        attribution_method,
        cast(sum(input_tokens) as bigint) as input_tokens,
        cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(cache_write_tokens) as bigint) as cache_write_tokens,
        cast(sum(output_tokens) as bigint) as output_tokens,
        input_is_total,
        cast(sum(request_count) as bigint) as request_count,
        cast(sum(error_count) as bigint) as error_count,
        {{ known_sum('logged_cost_usd') }} as logged_cost_usd
    from named
    group by
        cast(hour_start as date), source, provider, billing_account_id, sub_account_id, region_id, workload_id,
        model, team, product, environment, key_id, principal, attribution_method, input_is_total
)

select * from daily
