select
    account_id,
    region as region_id,
    model_id,
    case when starts_with(model_id, 'arn:') then regexp_extract(model_id, '[^/]+$') else model_id end as workload_id,
    metric,
    period_s,
    cast(round(value) as bigint) as total,
    cast(timestamp as timestamp) as period_start
from {{ source('aws_bedrock', 'metrics_minutely') }}
