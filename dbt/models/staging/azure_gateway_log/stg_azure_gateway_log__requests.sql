select
    _gateway as gateway,
    lower(_place) as place_id,
    nullif(trim("ApimSubscriptionId"), '') as key_id,
    nullif(trim("UserId"), '') as user_id,
    lower(nullif(trim("DeploymentName"), '')) as deployment_name,
    lower(nullif(trim("ModelName"), '')) as provider_model_name,
    -- the account's own name is the first part of its endpoint
    lower(nullif(split_part(trim("BackendHost"), '.', 1), '')) as account_name,
    "PromptTokens" as prompt_tokens,
    -- some answers count their reasoning in the total alone
    greatest("CompletionTokens", "TotalTokens" - "PromptTokens") as output_tokens,
    "Requests" as request_count,
    "Errors" as error_count,
    cast("TimeGenerated" as timestamp) as hour_start
from {{ source('azure_gateway_log', 'llm_requests_hourly') }}
