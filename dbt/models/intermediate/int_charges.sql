{{ config(materialized='view') }}
{% set columns %}
    charge_date, billing_month, provider, billing_account_id, sub_account_id, region_id, service_name, service_id, sku,
    product_family, resource_id, workload_id, native_team, native_product, native_environment, native_method,
    native_evidence, carried_tags, provider_model_name, model, token_class, region_class, service_tier, context_band,
    pricing_category, charge_category, cost_status, billing_currency, usd_per_currency, billed_cost, effective_cost,
    list_cost, consumed_tokens, {{ billing_detail_columns() }}
{% endset %}

with

aws_charges as (
    select {{ columns }}, principal from {{ ref('int_aws_charges') }}
),

gcp_charges as (
    select {{ columns }}, cast(null as varchar) as principal from {{ ref('int_gcp_charges') }}
),

azure_charges as (
    select {{ columns }}, cast(null as varchar) as principal from {{ ref('int_azure_charges') }}
),

anthropic_charges as (
    select {{ columns }}, cast(null as varchar) as principal from {{ ref('int_anthropic_charges') }}
),

openai_charges as (
    select {{ columns }}, cast(null as varchar) as principal from {{ ref('int_openai_charges') }}
),

all_charges as (
    select * from aws_charges
    union all
    select * from gcp_charges
    union all
    select * from azure_charges
    union all
    select * from anthropic_charges
    union all
    select * from openai_charges
)

select * from all_charges
