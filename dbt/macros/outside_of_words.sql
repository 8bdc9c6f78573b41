{# condition: some column of `words` (column: list of its words) is NULL or holds another word #}
{% macro outside_of_words(words) -%}
    {%- for column, allowed in words.items() %}
    {{- 'or ' if not loop.first -}}
    {{ column }} is null or {{ column }} not in ('{{ allowed | join("', '") }}')
    {% endfor -%}
{%- endmacro %}
