{# one row per part of a metered workload's day that a log shares out, its tokens and requests as far as the log told #}
{% set thing = 'provider, sub_account_id, workload_id, model' %}
{% set whose = 'team, product, environment' %}
{% set counts = ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'request_count'] %}

with

usage as (
    select
        *,
        row_number() over () as usage_number
    from {{ ref('int_usage_daily') }}
    where native_team is null
),

token_shares as (
    select
        {{ thing }},
        charge_date,
        {{ whose }},
        sum(weight) filter (where token_kind = 'input') as input_tokens,
        sum(weight) filter (where token_kind = 'output') as output_tokens,
        sum(weight) filter (where token_kind = 'cache_read') as cache_read_tokens,
        sum(weight) filter (where token_kind = 'cache_write') as cache_write_tokens
    from {{ ref('int_logged_shares') }}
    group by {{ thing }}, charge_date, {{ whose }}
),

logged_requests as (
    select
        {{ thing }},
        cast(hour_start as date) as charge_date,
        {{ whose }},
        sum(request_count) as request_count
    from {{ ref('int_logged_attributed') }}
    where is_counted and attribution_method in ('request_label', 'principal')
    group by {{ thing }}, cast(hour_start as date), {{ whose }}
),

-- a team's share of a day is there once in tokens and in requests: the join changes no row count
named_parts as (
    select
        usage.usage_number,
        {{ prefixed('token_shares', whose) }},
        token_shares.input_tokens,
        token_shares.output_tokens,
        token_shares.cache_read_tokens,
        token_shares.cache_write_tokens,
        logged_requests.request_count
    from usage
    inner join token_shares
        on {{ same_things('usage', 'token_shares', thing) }} and usage.usage_date = token_shares.charge_date
    left join logged_requests
        on
            {{ same_things('token_shares', 'logged_requests', thing ~ ', charge_date, ' ~ whose) }}
),

-- what no log explains is a part of its own, and there even where the log explains all: throttles and errors are its
parts as (
    select * from named_parts
    where team is not null
    union all
    select
        usage.usage_number,
        null as team,
        null as product,
        null as environment,
        max(named_parts.input_tokens) filter (where named_parts.team is null) as input_tokens,
        max(named_parts.output_tokens) filter (where named_parts.team is null) as output_tokens,
        max(named_parts.cache_read_tokens) filter (where named_parts.team is null) as cache_read_tokens,
        max(named_parts.cache_write_tokens) filter (where named_parts.team is null) as cache_write_tokens,
        greatest(any_value(usage.request_count) - coalesce(sum(named_parts.request_count), 0), 0) as request_count
    from usage
    inner join named_parts on usage.usage_number = named_parts.usage_number
    group by usage.usage_number
),

weighed as (
    select
        usage.*,
        {{ prefixed('parts', whose) }},
        parts.input_tokens as input_tokens_weight,
        parts.output_tokens as output_tokens_weight,
        parts.cache_read_tokens as cache_read_tokens_weight,
        parts.cache_write_tokens as cache_write_tokens_weight,
        parts.request_count as request_count_weight
    from usage
    inner join parts on usage.usage_number = parts.usage_number
),

parted as (
    {{ usage_parts('weighed', 'usage_number', counts) }}
)

-- a throttled call or an error is in no log
select
    * exclude ({{ whose }}, native_team, native_product, native_environment, native_method)
    replace (
        if(team is not null and throttled_count is not null, 0, throttled_count) as throttled_count,
        if(team is not null and error_count is not null, 0, error_count) as error_count
    ),
    team as native_team,
    if(team is null, native_product, product) as native_product,
    if(team is null, native_environment, environment) as native_environment,
    case when team is not null then 'gateway_share' end as native_method
from parted
