{% set thing = 'provider, sub_account_id, workload_id, charge_date' %}
{% set whose = 'team, product, environment' %}

with

-- millionths of a unit, so that weights are whole numbers
capacity as (
    select
        *,
        cast(hour_start as date) as charge_date,
        cast(round(units * 1000000) as bigint) as held,
        cast(round(units * utilization_ratio * 1000000) as bigint) as used
    from {{ ref('int_capacity_hourly') }}
    where utilization_ratio is not null
),

weights as (
    select
        provider,
        model,
        max(output_weight) as output_weight
    from {{ ref('stg_prices__capacity_prices') }}
    group by provider, model
),

-- an output token weighs what the provider says it weighs against an input token, and as much as one where it says nothing
burned as (
    select
        logged.*,
        coalesce(logged.input_tokens, 0) + coalesce(logged.cache_read_tokens, 0)
        + coalesce(logged.output_tokens, 0) * coalesce(weights.output_weight, 1) as burn
    from {{ ref('int_logged_attributed') }} as logged
    left join weights on logged.provider = weights.provider and logged.model = weights.model
    where logged.is_counted and logged.attribution_method in ('request_label', 'principal')
),

-- an hour's used units by who burned how much of them
used_parts as (
    select
        {{ prefixed('capacity', thing) }},
        burned.source,
        {{ prefixed('burned', whose) }},
        cast(floor(
            capacity.used * burned.burn
            / sum(burned.burn) over (partition by capacity.provider, capacity.workload_id, capacity.hour_start)
        ) as bigint) as weight
    from capacity
    inner join burned
        on {{ same_things('capacity', 'burned', 'provider, workload_id, hour_start') }}
    where burned.burn > 0
),

used as (
    select
        {{ thing }},
        source,
        {{ whose }},
        sum(weight) as weight
    from used_parts
    group by {{ thing }}, source, {{ whose }}
),

used_days as (
    select
        {{ thing }},
        any_value(source) as source,
        sum(weight) as weight
    from used
    group by {{ thing }}
),

held_days as (
    select
        {{ thing }},
        sum(held) as held
    from capacity
    group by {{ thing }}
),

-- what was idle, and what no log explains, stays in one part
parts as (
    select * from used
    union all
    select
        {{ prefixed('used_days', thing) }},
        used_days.source,
        null as team,
        null as product,
        null as environment,
        held_days.held - used_days.weight as weight
    from used_days
    inner join held_days on {{ same_things('used_days', 'held_days', thing) }}
)

select
    provider,
    sub_account_id,
    workload_id,
    cast(null as varchar) as model,
    charge_date,
    source,
    'other' as token_kind,
    'capacity_share' as method,
    {{ whose }},
    cast(weight as bigint) as weight
from parts
where weight > 0
