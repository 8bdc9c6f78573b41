{#
    Product of two decimals as decimal(38, 12), rounded half to even: money times a rate, a price or a ratio.

    Both factors are split into whole part and fraction, so that only the product of the two fractions carries 24
    decimals: nothing overflows unless the result itself does. A factor with more than twelve decimals has to be
    brought to twelve by its owner first.
#}
{% macro money_mul(a, b) -%}
    {%- set half_away = money_mul_half_away(a, b) -%}
    {%- set fractions = fraction_part(a) ~ " * " ~ fraction_part(b) -%}
    {%- set error = "(" ~ fractions ~ " - cast(" ~ fractions ~ " as decimal(38, 12)))" -%}
    case
        when abs({{ error }}) = cast(0.0000000000005 as decimal(13, 13)) and {{ is_odd_money(half_away) }}
            then cast({{ half_away }} + cast(sign({{ error }}) as integer) * cast(0.000000000001 as decimal(13, 12)) as decimal(38, 12))
        else {{ half_away }}
    end
{%- endmacro %}

{% macro money_mul_half_away(a, b) -%}
    cast(
        {{ whole_part(a) }} * cast({{ b }} as decimal(38, 12))
        + {{ fraction_part(a) }} * {{ whole_part(b) }}
        + cast({{ fraction_part(a) }} * {{ fraction_part(b) }} as decimal(38, 12))
        as decimal(38, 12)
    )
{%- endmacro %}

{% macro whole_part(a) -%}
    cast(trunc(cast({{ a }} as decimal(38, 12))) as decimal(26, 0))
{%- endmacro %}

{% macro fraction_part(a) -%}
    cast(cast({{ a }} as decimal(38, 12)) - trunc(cast({{ a }} as decimal(38, 12))) as decimal(13, 12))
{%- endmacro %}

{# cost of a number of tokens at a price per million of them: tokens bigint x usd per Mtok decimal(38, 12) #}
{% macro tokens_cost(tokens, usd_per_mtok) -%}
    {{ money_mul("cast(" ~ tokens ~ " as decimal(26, 0)) * cast(" ~ usd_per_mtok ~ " as decimal(38, 12))", "0.000001") }}
{%- endmacro %}

{# the same, where no tokens cost nothing whatever their price; unknown tokens or an unknown price stay NULL #}
{% macro class_cost(tokens, usd_per_mtok) -%}
    case when {{ tokens }} = 0 then cast(0 as decimal(38, 12)) else {{ tokens_cost(tokens, usd_per_mtok) }} end
{%- endmacro %}
