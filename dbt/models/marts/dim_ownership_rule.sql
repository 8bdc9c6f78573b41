with

rules as (
    select * from {{ ref('stg_config__ownership_rules') }}
),

matches as (
    select * from {{ ref('int_owner_matches') }}
),

things as (
    select * from {{ ref('int_owned_things') }}
),

owned as (
    select * from {{ ref('fct_owned_daily') }}
),

-- whether billed, metered or logged: a rule lives as soon as one thing was seen within its days
live as (
    select
        matches.rule_id,
        count(*) as matched_things
    from matches
    inner join things on matches.thing_id = things.thing_id
    where
        matches.valid_from <= things.last_day
        and (matches.valid_to is null or matches.valid_to > things.first_day)
    group by matches.rule_id
),

decided as (
    select
        rule_id,
        max(charge_date) as last_decided_on,
        {{ known_sum('billed_cost_usd') }} as decided_cost_usd
    from owned
    where rule_id is not null
    group by rule_id
),

-- each right side has one row per rule: the joins change no row count
described as (
    select
        rules.rule_id,
        rules.priority,
        rules.provider,
        rules.field,
        rules.pattern,
        rules.team,
        rules.product,
        rules.environment,
        coalesce(live.matched_things, 0) as matched_things,
        case when decided.rule_id is null then 0 else decided.decided_cost_usd end as decided_cost_usd,
        decided.last_decided_on,
        rules.valid_from,
        rules.valid_to
    from rules
    left join live on rules.rule_id = live.rule_id
    left join decided on rules.rule_id = decided.rule_id
)

select * from described
