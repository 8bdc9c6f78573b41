-- what gateways logged, in one form; of a gateway that has both shapes the exact log counts, day by day
with

requests as (
    select * from {{ ref('stg_azure_gateway_log__requests') }}
),

metrics as (
    select * from {{ ref('stg_azure_gateway_log__token_metrics') }}
),

logged_days as (
    select
        gateway,
        cast(hour_start as date) as usage_date
    from requests
    group by gateway, cast(hour_start as date)
),

-- cached tokens lie within the prompt's; a policy that does not send them leaves them unknown
pivoted as (
    select
        gateway,
        place_id,
        key_id,
        user_id,
        team,
        product,
        environment,
        deployment_name,
        provider_model_name,
        account_name,
        hour_start,
        cast(sum(tokens) filter (where metric = 'Prompt Tokens') as bigint) as prompt_tokens,
        cast(sum(tokens) filter (where metric = 'Cached Tokens') as bigint) as cached_tokens,
        -- the greatest of what is known: a policy may send one of them or none
        greatest(
            cast(sum(tokens) filter (where metric = 'Completion Tokens') as bigint),
            cast(sum(tokens) filter (where metric = 'Total Tokens') as bigint)
            - cast(sum(tokens) filter (where metric = 'Prompt Tokens') as bigint)
        ) as output_tokens,
        cast(max(measurement_count) as bigint) as request_count
    from metrics
    group by
        gateway, place_id, key_id, user_id, team, product, environment, deployment_name, provider_model_name,
        account_name, hour_start
),

estimated as (
    select pivoted.*
    from pivoted
    left join logged_days
        on pivoted.gateway = logged_days.gateway and cast(pivoted.hour_start as date) = logged_days.usage_date
    where logged_days.gateway is null
)

select
    gateway,
    place_id,
    'log' as shape,
    key_id,
    user_id,
    cast(null as varchar) as team,
    cast(null as varchar) as product,
    cast(null as varchar) as environment,
    deployment_name,
    provider_model_name,
    account_name,
    hour_start,
    prompt_tokens,
    cast(null as bigint) as cached_tokens,
    output_tokens,
    request_count,
    error_count
from requests

union all

select
    gateway,
    place_id,
    'metric' as shape,
    key_id,
    user_id,
    team,
    product,
    environment,
    deployment_name,
    provider_model_name,
    account_name,
    hour_start,
    prompt_tokens,
    cached_tokens,
    output_tokens,
    request_count,
    -- the metric is sent for answers alone
    cast(null as bigint) as error_count
from estimated
