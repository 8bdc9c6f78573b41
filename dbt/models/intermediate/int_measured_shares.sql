{{ config(materialized='view') }}
{% set columns %}
    provider, sub_account_id, workload_id, model, charge_date, source, token_kind, method, team, product, environment, weight
{% endset %}

select {{ columns }} from {{ ref('int_logged_shares') }}
union all
select {{ columns }} from {{ ref('int_capacity_shares') }}
union all
select {{ columns }} from {{ ref('int_azure_reservation_shares') }}
