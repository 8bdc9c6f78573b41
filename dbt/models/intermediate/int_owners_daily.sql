{% set thing %}
    provider, billing_account_id, sub_account_id, region_id, service_name, resource_id, workload_id, principal
{%- endset %}
{% set used %}
    provider, billing_account_id, sub_account_id, region_id, cast(null as varchar) as service_name,
    cast(null as varchar) as resource_id, workload_id
{%- endset %}

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

rules as (
    select * from {{ ref('stg_config__ownership_rules') }}
),

charged_things as (
    select
        {{ thing }},
        charge_date as owned_date
    from charges
),

used_things as (
    select
        {{ used }},
        cast(null as varchar) as principal,
        usage_date as owned_date
    from usage
    union all
    select
        {{ used }},
        principal,
        cast(hour_start as date) as owned_date
    from logged
),

owned_days as (
    select distinct * from charged_things
    union
    select distinct * from used_things
),

owned_things as (
    select {{ thing }}
    from owned_days
    group by {{ thing }}
),

matched as (
    select
        owned_things.*,
        rules.rule_id,
        rules.priority,
        case when rules.field = 'principal' then 'principal' else 'owner' end as method,
        rules.team,
        rules.product,
        rules.environment,
        rules.valid_from,
        rules.valid_to
    from owned_things
    inner join rules
        on
            (rules.provider is null or owned_things.provider = rules.provider)
            and {{ matches_pattern(ownership_value('rules.field', 'owned_things'), 'rules.pattern') }}
),

-- one row per thing and day: who called says more than whose account it is; of the rules valid on that day the one with
-- the lowest priority number decides
decided as (
    select
        owned_days.*,
        matched.rule_id,
        matched.team,
        matched.product,
        matched.environment,
        matched.method
    from owned_days
    inner join matched
        on
            owned_days.provider = matched.provider
            and owned_days.billing_account_id is not distinct from matched.billing_account_id
            and owned_days.sub_account_id is not distinct from matched.sub_account_id
            and owned_days.region_id is not distinct from matched.region_id
            and owned_days.service_name is not distinct from matched.service_name
            and owned_days.resource_id is not distinct from matched.resource_id
            and owned_days.workload_id is not distinct from matched.workload_id
            and owned_days.principal is not distinct from matched.principal
            and owned_days.owned_date >= matched.valid_from
            and (matched.valid_to is null or owned_days.owned_date < matched.valid_to)
    qualify
        row_number() over (
            partition by
                owned_days.provider, owned_days.billing_account_id, owned_days.sub_account_id,
                owned_days.region_id, owned_days.service_name, owned_days.resource_id,
                owned_days.workload_id, owned_days.principal, owned_days.owned_date
            order by matched.method = 'principal' desc, matched.priority asc nulls last, matched.rule_id asc
        ) = 1
)

select * from decided
