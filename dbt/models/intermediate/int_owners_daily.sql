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

matches as (
    select * from {{ ref('int_owner_matches') }}
),

owned_days as (
    select
        thing_id,
        charge_date as owned_date
    from charges
    union
    select
        thing_id,
        usage_date as owned_date
    from usage
    union
    select
        thing_id,
        cast(hour_start as date) as owned_date
    from logged
),

-- one row per thing and day: who called says more than whose account it is; of the rules valid on that day the one with
-- the lowest priority number decides
decided as (
    select
        owned_days.thing_id,
        owned_days.owned_date,
        matches.rule_id,
        matches.team,
        matches.product,
        matches.environment,
        matches.method
    from owned_days
    inner join matches
        on
            owned_days.thing_id = matches.thing_id
            and {{ holds_on('matches', 'owned_days.owned_date') }}
    qualify
        row_number() over (
            partition by owned_days.thing_id, owned_days.owned_date
            order by {{ rule_order('matches') }}
        ) = 1
)

select * from decided
