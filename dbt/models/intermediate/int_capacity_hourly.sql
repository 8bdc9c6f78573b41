{% set columns %}
    capacity_id, provider, billing_account_id, sub_account_id, workload_id, region_id, hour_start, unit_kind, units,
    model, price_scope, utilization_ratio, capacity_cost_usd, input_tokens, cached_tokens, output_tokens,
    spill_input_tokens, spill_cached_tokens, spill_output_tokens
{% endset %}

with

aws_capacity as (
    select {{ columns }} from {{ ref('int_aws_capacity_hourly') }}
),

gcp_capacity as (
    select {{ columns }} from {{ ref('int_gcp_capacity_hourly') }}
),

azure_capacity as (
    select {{ columns }} from {{ ref('int_azure_capacity_hourly') }}
),

all_capacity as (
    select * from aws_capacity
    union all
    select * from gcp_capacity
    union all
    select * from azure_capacity
)

select * from all_capacity
