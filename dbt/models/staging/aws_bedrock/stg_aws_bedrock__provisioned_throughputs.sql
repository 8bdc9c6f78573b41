select
    account_id,
    region as region_id,
    split_part(provisionedmodelarn, '/', 2) as provisioned_id,
    provisionedmodelarn as provisioned_arn,
    provisionedmodelname as provisioned_name,
    foundationmodelarn as foundation_model_arn,
    status,
    commitmentduration as commitment_duration,
    tags,
    modelunits as model_units,
    desiredmodelunits as desired_model_units,
    cast(commitmentexpirationtime as timestamp) as commitment_expires_at,
    cast(creationtime as timestamp) as created_at,
    cast(_window_start as timestamp) as snapshot_at
from {{ source('aws_bedrock', 'provisioned_model_throughputs') }}
