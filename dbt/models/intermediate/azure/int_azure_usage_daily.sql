with

usage as (
    select * from {{ ref('int_azure_usage_hourly') }}
),

deployments as (
    select * from {{ ref('int_azure_deployments') }}
),

resource_tags as (
    select * from {{ ref('int_azure_resource_tags_daily') }}
),

billing_accounts as (
    select * from {{ ref('int_azure_billing_accounts') }}
),

-- days that are not billed yet take the tags that the resource carried last
newest_tags as (
    select
        resource_id,
        max_by(tags, charge_date) as tags
    from resource_tags
    group by resource_id
),

daily as (
    select
        sub_account_id,
        resource_id,
        deployment_name,
        region_id,
        cast(hour_start as date) as usage_date,
        cast(sum(prompt_tokens) as bigint) as input_tokens,
        cast(sum(output_tokens) as bigint) as output_tokens,
        cast(sum(answered_count) as bigint) as request_count,
        cast(sum(throttled_count) as bigint) as throttled_count,
        cast(sum(error_count) as bigint) as error_count
    from usage
    group by sub_account_id, resource_id, deployment_name, region_id, cast(hour_start as date)
),

-- a deployment that only reported its idle PTUs was not used
used as (
    select * from daily
    where coalesce(input_tokens, output_tokens, request_count, throttled_count, error_count) is not null
),

-- each right side has at most one row per key: the joins change no row count
described as (
    select
        used.*,
        billing_accounts.billing_account_id,
        deployments.provider_model_name,
        deployments.model,
        case deployments.price_scope when 'data_zone' then 'geo' else deployments.price_scope end as region_class,
        regexp_extract(used.resource_id, '/accounts/([^/]+)', 1) || '/' || used.deployment_name as workload_id,
        {{ azure_native_tags(
            'deployments.deployment_tags',
            'coalesce(resource_tags.tags, newest_tags.tags, deployments.account_tags)'
        ) }}
    from used
    left join billing_accounts
        on used.sub_account_id = billing_accounts.sub_account_id
    left join deployments
        on used.resource_id = deployments.resource_id and used.deployment_name = deployments.deployment_name
    left join resource_tags
        on used.resource_id = resource_tags.resource_id and used.usage_date = resource_tags.charge_date
    left join newest_tags
        on used.resource_id = newest_tags.resource_id
)

select
    usage_date,
    'azure' as provider,
    billing_account_id,
    sub_account_id,
    region_id,
    region_class,
    workload_id,
    provider_model_name,
    model,
    native_team,
    native_product,
    native_environment,
    native_method,
    carried_tags,
    input_tokens,
    output_tokens,
    -- no metric of a standard deployment counts cached tokens; the prompt total holds them
    cast(null as bigint) as cache_read_tokens,
    cast(null as bigint) as cache_write_tokens,
    request_count,
    throttled_count,
    error_count,
    true as input_is_total
from described
