{% set columns %}
    source, provider, billing_account_id, sub_account_id, region_id, workload_id, hour_start, provider_model_name, model,
    key_id, principal, native_team, native_product, native_environment, input_tokens, cache_read_tokens,
    cache_write_tokens, output_tokens, input_is_total, request_count, error_count, logged_cost_usd
{% endset %}

with

aws_logged as (
    select {{ columns }} from {{ ref('int_aws_logged_usage') }}
),

gcp_logged as (
    select {{ columns }} from {{ ref('int_gcp_logged_usage') }}
),

azure_logged as (
    select {{ columns }} from {{ ref('int_azure_logged_usage') }}
),

gateway_logged as (
    select {{ columns }} from {{ ref('int_gateway_logged_usage') }}
),

all_logged as (
    select * from aws_logged
    union all
    select * from gcp_logged
    union all
    select * from azure_logged
    union all
    select * from gateway_logged
)

select
    *,
    {{ thing_id('all_logged', without=['service_name', 'resource_id', 'carried_tags']) }} as thing_id
from all_logged
