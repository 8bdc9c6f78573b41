with

profiles as (
    select * from {{ ref('stg_aws_bedrock__inference_profiles') }}
),

throughputs as (
    select * from {{ ref('stg_aws_bedrock__provisioned_throughputs') }}
),

snapshots as (
    select
        account_id,
        region_id,
        profile_id as workload_id,
        profile_arn as resource_id,
        -- all models behind a profile are one model in several regions; where they are not, it stays unknown
        case
            when len(list_distinct(list_transform(model_arns, lambda arn: split_part(arn, 'foundation-model/', 2)))) = 1
                then model_arns[1]
        end as model_arn,
        case
            when list_contains(list_transform(model_arns, lambda arn: split_part(arn, ':', 4)), '') then 'global'
            when len(model_arns) > 1 then 'geo'
            else 'regional'
        end as region_class,
        tags,
        snapshot_at
    from profiles
    union all
    select
        account_id,
        region_id,
        provisioned_id as workload_id,
        provisioned_arn as resource_id,
        foundation_model_arn as model_arn,
        'regional' as region_class,
        tags,
        snapshot_at
    from throughputs
),

names as (
    select * from {{ ref('aws_model_names') }}
    where name_kind = 'model_id'
),

-- the newest snapshot that still shows the workload, so that a deleted one keeps its model and tags
newest as (
    select
        *,
        split_part(model_arn, 'foundation-model/', 2) as provider_model_name
    from snapshots
    qualify row_number() over (partition by resource_id order by snapshot_at desc) = 1
),

-- a model id means one model at most: the join changes no row count
inventory as (
    select
        newest.account_id,
        newest.region_id,
        newest.workload_id,
        newest.resource_id,
        newest.provider_model_name,
        names.model,
        newest.region_class,
        newest.tags
    from newest
    left join names on newest.provider_model_name = names.provider_model_name
)

select * from inventory
