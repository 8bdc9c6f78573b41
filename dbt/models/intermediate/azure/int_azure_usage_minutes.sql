with

metrics as (
    select * from {{ ref('stg_azure_openai__minutely_metrics') }}
),

pivoted as (
    select
        resource_id,
        deployment_name,
        minute_start,
        {{ azure_pivoted_metrics() }}
    from metrics
    group by resource_id, deployment_name, minute_start
)

select
    resource_id,
    deployment_name,
    minute_start,
    {{ azure_chosen_metrics() }}
from pivoted
