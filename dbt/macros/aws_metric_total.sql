{# sum of a counter over its names: CloudWatch writes no point where nothing was counted, so a missing one is a true zero #}
{% macro aws_metric_total(metric_names) -%}
    cast(coalesce(sum(total) filter (where metric in ('{{ metric_names | join("', '") }}')), 0) as bigint)
{%- endmacro %}
