select
    account_id,
    region as region_id,
    inferenceProfileId as profile_id,
    inferenceProfileArn as profile_arn,
    inferenceProfileName as profile_name,
    "type" as profile_type,
    list_transform(models, lambda model: model.modelArn) as model_arns,
    tags,
    cast(createdAt as timestamp) as created_at,
    cast(_window_start as timestamp) as snapshot_at
from {{ source('aws_bedrock', 'inference_profiles') }}
