select
    _gateway as gateway,
    lower(_place) as place_id,
    "Name" as metric,
    nullif(trim(subscription), '') as key_id,
    nullif(trim("user"), '') as user_id,
    nullif(trim(team), '') as team,
    nullif(trim(product), '') as product,
    nullif(trim(environment), '') as environment,
    lower(nullif(trim(deployment), '')) as deployment_name,
    lower(nullif(trim(model), '')) as provider_model_name,
    -- an account may be told by its name or by its endpoint
    lower(nullif(split_part(regexp_replace(trim(account), '^https?://', ''), '.', 1), '')) as account_name,
    -- Azure Monitor sums whole numbers as doubles; they carry counts exactly
    cast("Tokens" as bigint) as tokens,
    "Measurements" as measurement_count,
    cast("TimeGenerated" as timestamp) as hour_start
from {{ source('azure_gateway_log', 'token_metrics_hourly') }}
