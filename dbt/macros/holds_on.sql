{# whether a dated row holds on a day; an end that may be NULL is compared, so that the join stays one of hashes #}
{% macro holds_on(dated, day) -%}
    {{ day }} >= {{ dated }}.valid_from
    and {{ day }} < coalesce({{ dated }}.valid_to, date '9999-12-31')
{%- endmacro %}
