select
    lower(subscription_id) as sub_account_id,
    lower(resource_id) as resource_id,
    lower(region) as region_id,
    metric,
    lower(model_deployment_name) as deployment_name,
    status_code,
    lower(is_spillover) = 'true' as is_spillover,
    cast(timestamp as timestamp) as minute_start,
    total,
    average,
    maximum
from {{ source('azure_openai', 'metrics_minutely') }}
