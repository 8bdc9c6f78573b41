select
    account_id,
    region as region_id,
    split_part(provisionedModelArn, '/', 2) as provisioned_id,
    provisionedModelArn as provisioned_arn,
    provisionedModelName as provisioned_name,
    foundationModelArn as foundation_model_arn,
    tags,
    modelUnits as model_units,
    cast(creationTime as timestamp) as created_at,
    cast(_window_start as timestamp) as snapshot_at
from {{ source('aws_bedrock', 'provisioned_model_throughputs') }}
