with

profiles as (
    select * from {{ ref('stg_aws_bedrock__inference_profiles') }}
),

throughputs as (
    select * from {{ ref('stg_aws_bedrock__provisioned_throughputs') }}
),

bill_days as (
    select * from {{ ref('int_aws_bill_days') }}
),

names as (
    select * from {{ ref('aws_model_names') }}
    where name_kind = 'model_id'
),

snapshots as (
    select
        account_id,
        region_id,
        profile_id as workload_id,
        profile_arn as resource_id,
        model_arns[1] as model_arn,
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
        provisioned_id,
        provisioned_arn,
        foundation_model_arn,
        'regional',
        tags,
        snapshot_at
    from throughputs
),

-- the newest snapshot that still shows the workload, so that a deleted one keeps its model and tags
inventory as (
    select
        *,
        split_part(model_arn, 'foundation-model/', 2) as provider_model_name
    from snapshots
    qualify row_number() over (partition by resource_id order by snapshot_at desc) = 1
),

-- what the bill says about a resource: the only witness of a profile that was deleted before the first snapshot
billed as (
    select
        usage_account_id as account_id,
        region_id,
        resource_id,
        regexp_extract(resource_id, '[^/]+$') as workload_id,
        arg_max(provider_model_name, usage_date) as provider_model_name,
        arg_max(model, usage_date) as model,
        bool_or(is_global) as is_global,
        arg_max(resource_tags, usage_date) as tags
    from bill_days
    where is_bedrock and line_item_type = 'Usage' and contains(resource_id, ':bedrock:')
    group by usage_account_id, region_id, resource_id
),

joined as (
    select
        coalesce(inventory.account_id, billed.account_id) as sub_account_id,
        coalesce(inventory.region_id, billed.region_id) as region_id,
        coalesce(inventory.resource_id, billed.resource_id) as resource_id,
        coalesce(inventory.workload_id, billed.workload_id) as workload_id,
        coalesce(inventory.provider_model_name, billed.provider_model_name) as provider_model_name,
        coalesce(names.model, billed.model) as model,
        coalesce(
            inventory.region_class,
            case
                when billed.is_global then 'global'
                when regexp_matches(billed.workload_id, '^(us|eu|apac|jp|au|us-gov)\.') then 'geo'
                else 'regional'
            end
        ) as region_class,
        billed.tags as billed_tags,
        inventory.tags as inventory_tags
    from inventory
    full outer join billed on inventory.resource_id = billed.resource_id
    left join names on inventory.provider_model_name = names.provider_model_name
),

-- tags that the bill carries count before those that the control plane shows today
tagged as (
    select
        * exclude (billed_tags, inventory_tags),
        {% for word in ['team', 'product', 'environment'] -%}
        coalesce({{ tag_value('billed_tags', word) }}, {{ tag_value('inventory_tags', word) }}) as native_{{ word }}
        {{- ',' if not loop.last }}
        {% endfor %}
    from joined
)

select
    *,
    case when coalesce(native_team, native_product, native_environment) is not null then 'profile_tag' end
        as native_method
from tagged
