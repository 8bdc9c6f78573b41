with

charges as (
    select * from {{ ref('int_charges_scoped') }}
    where is_in_scope
),

usage as (
    select * from {{ ref('int_usage_daily') }}
),

logged as (
    select * from {{ ref('int_logged_usage') }}
),

profiles as (
    select * from {{ ref('stg_aws_bedrock__inference_profiles') }}
),

-- a thing's id stands for its columns, so any of its rows tells them
seen as (
    select
        thing_id,
        provider,
        billing_account_id,
        sub_account_id,
        region_id,
        service_name,
        resource_id,
        workload_id,
        model,
        principal,
        cast(null as varchar) as key_id,
        carried_tags,
        charge_date as day
    from charges
    union all
    select
        thing_id,
        provider,
        billing_account_id,
        sub_account_id,
        region_id,
        cast(null as varchar) as service_name,
        cast(null as varchar) as resource_id,
        workload_id,
        model,
        cast(null as varchar) as principal,
        cast(null as varchar) as key_id,
        carried_tags,
        usage_date as day
    from usage
    union all
    select
        thing_id,
        provider,
        billing_account_id,
        sub_account_id,
        region_id,
        cast(null as varchar) as service_name,
        cast(null as varchar) as resource_id,
        workload_id,
        model,
        principal,
        key_id,
        cast(null as varchar) as carried_tags,
        cast(hour_start as date) as day
    from logged
),

things as (
    select
        thing_id,
        {{ columns_of_thing() }},
        min(day) as first_day,
        max(day) as last_day
    from seen
    group by thing_id
),

profile_names as (
    select
        account_id,
        profile_id,
        max_by(profile_name, snapshot_at) as profile_name
    from profiles
    group by account_id, profile_id
),

-- a profile has one newest name: the join changes no row count
named as (
    select
        things.*,
        profile_names.profile_name
    from things
    left join profile_names
        on
            things.provider = 'aws'
            and things.sub_account_id = profile_names.account_id
            and things.workload_id = profile_names.profile_id
)

select * from named
