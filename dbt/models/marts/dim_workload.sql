{% set key = 'provider, sub_account_id, workload_id, model, team, product, environment' %}

with

usage as (
    select * from {{ ref('int_usage_attributed') }}
),

charges as (
    select * from {{ ref('int_charges_attributed') }}
),

profiles as (
    select * from {{ ref('stg_aws_bedrock__inference_profiles') }}
),

provisioned as (
    select * from {{ ref('stg_aws_bedrock__provisioned_throughputs') }}
),

-- only Bedrock's ids say nothing to people; projects and deployments are named by their id
names as (
    select
        account_id,
        profile_id as workload_id,
        max_by(profile_name, snapshot_at) as workload_name
    from profiles
    group by account_id, profile_id
    union all
    select
        account_id,
        provisioned_id as workload_id,
        max_by(provisioned_name, snapshot_at) as workload_name
    from provisioned
    group by account_id, provisioned_id
),

seen_in_usage as (
    select
        {{ key }},
        'usage' as evidence,
        max(billing_account_id) as billing_account_id,
        min(usage_date) as first_day,
        max(usage_date) as last_day
    from usage
    where workload_id is not null
    group by {{ key }}
),

seen_in_charges as (
    select
        {{ key }},
        'charges' as evidence,
        max(billing_account_id) as billing_account_id,
        min(charge_date) as first_day,
        max(charge_date) as last_day
    from charges
    where workload_id is not null and model is not null
    group by {{ key }}
),

seen as (
    select * from seen_in_usage
    union all
    select * from seen_in_charges
),

-- bills lag behind usage, so each evidence has its own newest day
dated as (
    select
        *,
        max(last_day) over (partition by provider, evidence) as newest_day
    from seen
),

spans as (
    select
        {{ key }},
        max(billing_account_id) as billing_account_id,
        min(first_day) as valid_from,
        max(last_day) as last_day,
        bool_or(date_diff('day', last_day, newest_day) < {{ var('workload_rest_days', 7) }}) as is_active
    from dated
    group by {{ key }}
),

-- an id has at most one name in an account: the join changes no row count
workloads as (
    select
        spans.provider,
        spans.billing_account_id,
        spans.sub_account_id,
        spans.workload_id,
        coalesce(names.workload_name, spans.workload_id) as workload_name,
        spans.model,
        spans.team,
        spans.product,
        spans.environment,
        spans.is_active,
        spans.valid_from,
        case when not spans.is_active then cast(date_add(spans.last_day, interval 1 day) as date) end as valid_to
    from spans
    left join names
        on
            spans.provider = 'aws'
            and spans.sub_account_id = names.account_id
            and spans.workload_id = names.workload_id
)

select * from workloads
