select
    account_id,
    region as region_id,
    model_id,
    case when starts_with(model_id, 'arn:') then regexp_extract(model_id, '[^/]+$') else model_id end as workload_id,
    metric,
    statistic,
    cast(round(value, 3) as decimal(24, 3)) as value,
    cast(timestamp as timestamp) as hour_start
from {{ source('aws_bedrock', 'metrics_hourly') }}
where metric in ('InvocationLatency', 'TimeToFirstToken')
