with

owned as (
    select * from {{ ref('fct_owned_daily') }}
    where team <> 'unallocated' and attribution_method not in ('gateway_share', 'capacity_share')
),

things as (
    select * from {{ ref('int_owned_things') }}
),

matches as (
    select * from {{ ref('int_owner_matches') }}
),

-- what each set of tags says of the team
tag_evidence as (
    select
        carried_tags,
        method,
        tag_value as team,
        tag_key || '=' || tag_value as evidence
    from {{ ref('int_tag_values') }}
    where canonical = 'team'
    qualify row_number() over (partition by carried_tags, set_rank order by synonym_position, tag_position) = 1
),

by_tags as (
    select
        owned.*,
        tag_evidence.method as other_method,
        tag_evidence.team as other_team,
        tag_evidence.evidence as other_evidence
    from owned
    inner join things on owned.thing_id = things.thing_id
    inner join tag_evidence on things.carried_tags = tag_evidence.carried_tags
    where tag_evidence.team <> owned.team
),

-- of each kind of rule the one that would decide that day
by_rules as (
    select
        owned.*,
        matches.method as other_method,
        matches.team as other_team,
        'rule ' || matches.rule_id as other_evidence
    from owned
    inner join matches
        on
            owned.thing_id = matches.thing_id
            and {{ holds_on('matches', 'owned.charge_date') }}
    qualify
        row_number() over (
            partition by
                owned.thing_id, owned.charge_date, owned.native_team, owned.native_product, owned.native_environment,
                owned.native_method, matches.method
            order by {{ rule_order('matches') }}
        ) = 1
),

contradictions as (
    select * from by_tags
    union all
    select * from by_rules
    where other_team <> team
),

monthly as (
    select
        cast(date_trunc('month', charge_date) as date) as charge_month,
        provider,
        thing_id,
        team,
        attribution_method,
        other_team,
        other_method,
        other_evidence,
        {{ known_sum('billed_cost_usd') }} as billed_cost_usd
    from contradictions
    group by
        date_trunc('month', charge_date), provider, thing_id, team, attribution_method, other_team, other_method,
        other_evidence
)

select * from monthly
