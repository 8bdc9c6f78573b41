{#
    Product of two decimals as decimal(38, 12), rounded half to even: money times a rate, a price or a ratio.

    Both factors are split into whole part and fraction, so that only the product of the two fractions carries 24
    decimals: nothing overflows unless the result itself does. A factor with more than twelve decimals has to be
    brought to twelve by its owner first.
#}
{% macro money_mul(a, b) -%}
    {%- set first, second = "cast(" ~ a ~ " as decimal(38, 12))", "cast(" ~ b ~ " as decimal(38, 12))" -%}
    {%- set near = "cast(" ~ first ~ " as double) * cast(" ~ second ~ " as double)" -%}
    case
        when {{ first }} is null or {{ second }} is null then null
        when abs({{ first }}) < 1000000 and abs({{ second }}) < 1000000 and abs({{ near }}) < 1000
            then {{ nearest_money("cast(" ~ first ~ " as decimal(18, 12)) * cast(" ~ second ~ " as decimal(18, 12))", near, 24) }}
        else {{ money_mul_at_any_size(a, b) }}
    end
{%- endmacro %}

{#
    An exact decimal below 1000 rounded half to even to twelve, without the division of 128-bit integers that a cast to fewer
    decimals takes (2 microseconds a row, ten times of all this): its double, off by less than 0.9 of the last unit, becomes
    money, and what the money misses of the exact value, at most 1.4 units, says whether it is one unit off.
#}
{% macro nearest_money(exact, double, scale) -%}
    {%- set unit = "cast(0.000000000001 as decimal(13, 12))" -%}
    {%- set half = "cast(0.0000000000005 as decimal(13, 13))" -%}
    {%- set money = "cast(" ~ double ~ " as decimal(18, 12))" -%}
    {%- set missed = "(" ~ exact ~ " - cast(" ~ money ~ " as decimal(36, " ~ scale ~ ")))" -%}
    cast(
        {{ money }} + case
            when abs({{ missed }}) < {{ half }} then cast(0 as decimal(13, 12))
            when {{ missed }} > {{ half }} then {{ unit }}
            when {{ missed }} < -{{ half }} then -{{ unit }}
            when {{ is_odd_money(money) }} then cast(sign({{ missed }}) as integer) * {{ unit }}
            else cast(0 as decimal(13, 12))
        end
        as decimal(38, 12)
    )
{%- endmacro %}

{% macro money_mul_at_any_size(a, b) -%}
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
    {%- set price = "cast(" ~ usd_per_mtok ~ " as decimal(38, 12))" -%}
    {%- set near = "cast(" ~ tokens ~ " as double) * cast(" ~ price ~ " as double) * 0.000001" -%}
    {%- set cost = "cast(" ~ tokens ~ " as decimal(19, 0)) * cast(" ~ price ~ " as decimal(18, 12))" -%}
    case
        when {{ tokens }} is null or {{ price }} is null then null
        when abs({{ tokens }}) < 1000000000000 and abs({{ price }}) < 1000000 and abs({{ near }}) < 1000
            then {{ nearest_money("(" ~ cost ~ ") * cast(0.000001 as decimal(6, 6))", near, 18) }}
        else {{ money_mul_at_any_size("cast(" ~ tokens ~ " as decimal(26, 0)) * " ~ price, "0.000001") }}
    end
{%- endmacro %}

{# the same, where no tokens cost nothing whatever their price; unknown tokens or an unknown price stay NULL #}
{% macro class_cost(tokens, usd_per_mtok) -%}
    case when {{ tokens }} = 0 then cast(0 as decimal(38, 12)) else {{ tokens_cost(tokens, usd_per_mtok) }} end
{%- endmacro %}
