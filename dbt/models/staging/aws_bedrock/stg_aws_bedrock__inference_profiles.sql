select
    account_id,
    region as region_id,
    inferenceprofileid as profile_id,
    inferenceprofilearn as profile_arn,
    inferenceprofilename as profile_name,
    type as profile_type,
    list_transform(models, lambda model: struct_extract(model, 'modelArn')) as model_arns,
    tags,
    cast(createdat as timestamp) as created_at,
    cast(_window_start as timestamp) as snapshot_at
from {{ source('aws_bedrock', 'inference_profiles') }}
