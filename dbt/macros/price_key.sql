{# what a token price is for, as one word: the join key between lists, contracts and discounts #}
{% macro price_key() -%}
    concat_ws('|', provider, model, region_class, token_class, service_tier, context_band)
{%- endmacro %}
