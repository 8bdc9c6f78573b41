with

teams as (
    select * from {{ ref('stg_config__teams') }}
),

charges as (
    select * from {{ ref('int_charges_attributed') }}
),

usage as (
    select * from {{ ref('int_usage_attributed') }}
),

named_days as (
    select
        team,
        charge_date as named_on
    from charges
    union all
    select
        team,
        usage_date as named_on
    from usage
),

declared as (
    select
        team,
        team_name,
        cost_center,
        contact,
        true as is_declared,
        valid_from,
        valid_to
    from teams
),

-- names that a tag carries and ownership.yml does not know, and the bucket of what nobody owns
undeclared as (
    select
        named_days.team,
        case named_days.team when 'unallocated' then 'Unallocated' else named_days.team end as team_name,
        cast(null as varchar) as cost_center,
        cast(null as varchar) as contact,
        false as is_declared,
        min(named_days.named_on) as valid_from,
        cast(null as date) as valid_to
    from named_days
    left join teams on named_days.team = teams.team
    where teams.team is null
    group by named_days.team
),

all_teams as (
    select * from declared
    union all
    select * from undeclared
)

select * from all_teams
