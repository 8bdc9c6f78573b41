with

rules as (
    select * from {{ ref('stg_config__ownership_rules') }}
),

matched as (
    {{ rule_matches('rules') }}
),

-- who called says more than whose account it is
ranked as (
    select
        thing_id,
        rule_id,
        priority,
        case when field in ('principal', 'gateway_key') then 'principal' else 'owner' end as method,
        team,
        product,
        environment,
        valid_from,
        valid_to
    from matched
)

select * from ranked
