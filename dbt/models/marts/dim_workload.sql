{% set key = 'provider, sub_account_id, workload_id, model, team, product, environment' %}

with

usage as (
    select * from {{ ref('int_usage_attributed') }}
),

charges as (
    select * from {{ ref('int_charges_attributed') }}
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

workloads as (
    select
        provider,
        billing_account_id,
        sub_account_id,
        workload_id,
        model,
        team,
        product,
        environment,
        is_active,
        valid_from,
        case when not is_active then cast(date_add(last_day, interval 1 day) as date) end as valid_to
    from spans
)

select * from workloads
