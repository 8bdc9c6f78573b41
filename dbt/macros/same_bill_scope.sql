{# whether a metered and a billed row speak of one account and workload; what either side does not know is no difference #}
{% macro same_bill_scope(metered, billed) -%}
    coalesce({{ metered }}.billing_account_id = {{ billed }}.billing_account_id, true)
    and coalesce({{ metered }}.sub_account_id = {{ billed }}.sub_account_id, true)
    and coalesce({{ metered }}.workload_id = {{ billed }}.workload_id, true)
{%- endmacro %}
