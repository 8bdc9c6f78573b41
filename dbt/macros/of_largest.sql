{# the value at the largest of an expression; of equals the last in the order of their text, so that the same rows always say the same #}
{% macro of_largest(value, by) -%}
    max_by({{ value }}, {'by': {{ by }}, 'text': cast({{ value }} as varchar)})
{%- endmacro %}
