{{ config(materialized='view') }}

with

usage as (
    select * from {{ ref('int_azure_usage_hourly') }}
),

deployments as (
    select * from {{ ref('int_azure_deployments') }}
),

-- a deployment is there once, and Azure's meters do not tell cached tokens from others
hours as (
    select
        usage.hour_start,
        'azure' as provider,
        usage.sub_account_id,
        deployments.workload_id,
        deployments.model,
        usage.prompt_tokens as input_tokens,
        cast(null as bigint) as cache_read_tokens,
        cast(null as bigint) as cache_write_tokens,
        usage.output_tokens
    from usage
    inner join deployments
        on usage.resource_id = deployments.resource_id and usage.deployment_name = deployments.deployment_name
    where usage.prompt_tokens is not null or usage.output_tokens is not null
)

select * from hours
