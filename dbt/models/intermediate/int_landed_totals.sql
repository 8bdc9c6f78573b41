{% set columns %}
    provider, billing_account_id, billing_month, billing_currency, landed_cost, provider_cost, invoice_cost
{% endset %}

with

aws_totals as (
    select {{ columns }} from {{ ref('int_aws_landed_totals') }}
),

gcp_totals as (
    select {{ columns }} from {{ ref('int_gcp_landed_totals') }}
),

azure_totals as (
    select {{ columns }} from {{ ref('int_azure_landed_totals') }}
),

anthropic_totals as (
    select {{ columns }} from {{ ref('int_anthropic_landed_totals') }}
),

openai_totals as (
    select {{ columns }} from {{ ref('int_openai_landed_totals') }}
),

all_totals as (
    select * from aws_totals
    union all
    select * from gcp_totals
    union all
    select * from azure_totals
    union all
    select * from anthropic_totals
    union all
    select * from openai_totals
)

select * from all_totals
