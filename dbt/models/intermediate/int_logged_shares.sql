{% set thing = 'provider, sub_account_id, workload_id, model, charge_date' %}
{% set counters = 'input_tokens, cache_read_tokens, cache_write_tokens, output_tokens' %}

with

-- a team that only the account's owner stands for is no evidence of who asked
logged as (
    select
        provider,
        sub_account_id,
        workload_id,
        model,
        cast(hour_start as date) as charge_date,
        hour_start,
        source,
        case when attribution_method in ('request_label', 'principal') then team end as team,
        case when attribution_method in ('request_label', 'principal') then product end as product,
        case when attribution_method in ('request_label', 'principal') then environment end as environment,
        input_is_total,
        {{ counters }}
    from {{ ref('int_logged_attributed') }}
    where is_counted and model is not null
),

metered as (
    select
        provider,
        sub_account_id,
        workload_id,
        model,
        cast(hour_start as date) as charge_date,
        hour_start,
        {{ counters }}
    from {{ ref('int_workload_hours') }}
),

-- without a meter to hold a log against, nothing is shared; cached tokens are shared by their own counts where both tell
-- them apart, else by those of whole prompts
shared_days as (
    select
        {{ prefixed('logged_days', thing) }},
        logged_days.source,
        logged_days.is_apart and count(metered.cache_read_tokens) > 0 as is_apart
    from (
        select
            {{ thing }},
            any_value(source) as source,
            not bool_or(input_is_total) as is_apart
        from logged
        group by {{ thing }}
        having count(team) > 0
    ) as logged_days
    inner join metered on {{ same_things('logged_days', 'metered', thing) }}
    group by {{ prefixed('logged_days', thing) }}, logged_days.source, logged_days.is_apart
),

stacked as (
    select
        'log' as seen_by,
        {{ thing }}, hour_start, team, product, environment, {{ counters }}
    from logged
    union all
    select
        'meter' as seen_by,
        {{ thing }}, hour_start, null as team, null as product, null as environment, {{ counters }}
    from metered
),

kinds as (
    select unnest(['input', 'cache_read', 'cache_write', 'output']) as token_kind
),

-- a day is shared once: the join changes no row count
counted as (
    select
        stacked.seen_by,
        {{ prefixed('stacked', thing) }},
        shared_days.source,
        stacked.hour_start,
        kinds.token_kind,
        stacked.team,
        stacked.product,
        stacked.environment,
        {{ kind_tokens('stacked', 'kinds.token_kind', 'shared_days.is_apart') }} as tokens
    from stacked
    inner join shared_days on {{ same_things('stacked', 'shared_days', thing) }}
    cross join kinds
),

-- what the meter saw in an hour and no log explains belongs to nobody yet; an hour in which the log saw more is all
-- explained
parts as (
    select
        {{ thing }}, source, token_kind, team, product, environment, tokens
    from counted
    where seen_by = 'log'
    union all
    select
        {{ thing }}, source, token_kind, null as team, null as product, null as environment,
        greatest(sum(if(seen_by = 'meter', tokens, -tokens)), 0) as tokens
    from counted
    group by {{ thing }}, source, token_kind, hour_start
)

select
    {{ thing }},
    source,
    token_kind,
    'gateway_share' as method,
    team,
    product,
    environment,
    cast(sum(tokens) as bigint) as weight
from parts
group by {{ thing }}, source, token_kind, team, product, environment
having sum(tokens) > 0
