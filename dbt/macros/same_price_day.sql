{# join condition: the price for the same thing that holds on the first day of the segment #}
{% macro same_price_day(segment, price, key) -%}
    {% for column in key %}{{ segment }}.{{ column }} = {{ price }}.{{ column }} and {% endfor -%}
    {{ segment }}.valid_from >= {{ price }}.valid_from
    and ({{ price }}.valid_to is null or {{ segment }}.valid_from < {{ price }}.valid_to)
{%- endmacro %}
