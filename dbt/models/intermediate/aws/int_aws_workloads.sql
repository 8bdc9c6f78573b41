with

inventory as (
    select * from {{ ref('int_aws_inventory') }}
),

bill_days as (
    select * from {{ ref('int_aws_bill_days') }}
),

-- what the bill says about a resource: the only witness of a profile that was deleted before the first snapshot
billed as (
    select
        usage_account_id as account_id,
        region_id,
        resource_id,
        regexp_extract(resource_id, '[^/]+$') as workload_id,
        {{ of_largest('provider_model_name', 'usage_end_at') }} as provider_model_name,
        {{ of_largest('model', 'usage_end_at') }} as model,
        bool_or(is_global) as is_global,
        {{ of_largest('resource_tags', 'usage_end_at') }} as tags
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
        coalesce(inventory.model, billed.model) as model,
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
),

-- tags that the bill carries count before those that the control plane shows today
tagged as (
    select
        joined.sub_account_id,
        joined.region_id,
        joined.resource_id,
        joined.workload_id,
        joined.provider_model_name,
        joined.model,
        joined.region_class,
        coalesce(
            {{ tag_value('joined.billed_tags', 'team') }},
            {{ tag_value('joined.inventory_tags', 'team') }}
        ) as native_team,
        coalesce(
            {{ tag_evidence('joined.billed_tags', 'team') }},
            {{ tag_evidence('joined.inventory_tags', 'team') }}
        ) as native_evidence,
        coalesce(
            {{ tag_value('joined.billed_tags', 'product') }},
            {{ tag_value('joined.inventory_tags', 'product') }}
        ) as native_product,
        coalesce(
            {{ tag_value('joined.billed_tags', 'environment') }},
            {{ tag_value('joined.inventory_tags', 'environment') }}
        ) as native_environment,
        {{ carried_tags([
            ('profile_tag', 'joined.billed_tags'), ('profile_tag', 'joined.inventory_tags')
        ]) }} as carried_tags
    from joined
)

select
    *,
    case
        when coalesce(native_team, native_product, native_environment) is not null then 'profile_tag'
    end as native_method
from tagged
