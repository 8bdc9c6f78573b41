select
    account_id,
    region as region_id,
    split_part(provisionedmodelarn, '/', 2) as provisioned_id,
    provisionedmodelarn as provisioned_arn,
    provisionedmodelname as provisioned_name,
    foundationmodelarn as foundation_model_arn,
    tags,
    modelunits as model_units,
    cast(creationtime as timestamp) as created_at,
    cast(_window_start as timestamp) as snapshot_at
from {{ source('aws_bedrock', 'provisioned_model_throughputs') }}
