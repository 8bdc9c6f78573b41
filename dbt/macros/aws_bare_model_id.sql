{# the id of a model without the geography that a system profile puts before it #}
{% macro aws_bare_model_id(workload_id) -%}
    regexp_replace({{ workload_id }}, '^(us|eu|apac|jp|au|ca|us-gov|global)\.', '')
{%- endmacro %}
