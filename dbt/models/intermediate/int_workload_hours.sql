{{ config(materialized='view') }}
{% set columns %}
    hour_start, provider, sub_account_id, workload_id, model, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens
{% endset %}

select {{ columns }} from {{ ref('int_aws_workload_hours') }}
union all
select {{ columns }} from {{ ref('int_gcp_workload_hours') }}
union all
select {{ columns }} from {{ ref('int_azure_workload_hours') }}
