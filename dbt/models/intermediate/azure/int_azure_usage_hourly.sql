with

metrics as (
    select * from {{ ref('stg_azure_openai__hourly_metrics') }}
),

pivoted as (
    select
        sub_account_id,
        resource_id,
        deployment_name,
        region_id,
        hour_start,
        {{ azure_pivoted_metrics() }}
    from metrics
    group by sub_account_id, resource_id, deployment_name, region_id, hour_start
)

-- accounts of Foundry show each count by its older and its newer name: one of the two counts, never both
select
    sub_account_id,
    resource_id,
    deployment_name,
    region_id,
    hour_start,
    {{ azure_chosen_metrics() }}
from pivoted
