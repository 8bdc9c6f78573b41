{# what a token price is for, as one word: the join key between lists, contracts and discounts #}
{% macro price_key() -%}
    concat_ws('|', provider, model, region_class, token_class, service_tier, context_band)
{%- endmacro %}

{# whether a dated row holds on the first day of a segment #}
{% macro holds_from(dated, segment) -%}
    {{ segment }}.valid_from >= {{ dated }}.valid_from
    and ({{ dated }}.valid_to is null or {{ segment }}.valid_from < {{ dated }}.valid_to)
{%- endmacro %}
