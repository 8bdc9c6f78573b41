{% set columns %}
    usage_date, provider, billing_account_id, sub_account_id, region_id, region_class, workload_id,
    provider_model_name, model,
    native_team, native_product, native_environment, native_method, carried_tags, input_tokens, output_tokens, cache_read_tokens,
    cache_write_tokens, request_count, throttled_count, error_count, input_is_total
{% endset %}

with

aws_usage as (
    select {{ columns }} from {{ ref('int_aws_usage_daily') }}
),

gcp_usage as (
    select {{ columns }} from {{ ref('int_gcp_usage_daily') }}
),

azure_usage as (
    select {{ columns }} from {{ ref('int_azure_usage_daily') }}
),

anthropic_usage as (
    select {{ columns }} from {{ ref('int_anthropic_usage_daily') }}
),

openai_usage as (
    select {{ columns }} from {{ ref('int_openai_usage_daily') }}
),

all_usage as (
    select * from aws_usage
    union all
    select * from gcp_usage
    union all
    select * from azure_usage
    union all
    select * from anthropic_usage
    union all
    select * from openai_usage
)

select
    *,
    {{ thing_id('all_usage', without=['service_name', 'resource_id', 'principal', 'key_id']) }} as thing_id
from all_usage
