{#
    One decimal over another as decimal(38, 12), half to even on exact integers: DuckDB's own division is a double.
    The numerator must not be below 0, both must be below 1e14; NULL where either is unknown or the denominator is 0.
#}
{% macro exact_ratio(numerator, denominator) -%}
    {%- set units = "cast(cast(" ~ numerator ~ " as decimal(38, 12)) * 1000000000000 as hugeint)" -%}
    {%- set parts = "cast(cast(" ~ denominator ~ " as decimal(38, 12)) * 1000000000000 as hugeint)" -%}
    {%- set parts = "nullif(" ~ parts ~ ", 0)" -%}
    {%- set scaled = "(" ~ units ~ " * 1000000000000)" -%}
    {%- set whole = "(" ~ scaled ~ " // " ~ parts ~ ")" -%}
    {%- set rest = "(" ~ scaled ~ " % " ~ parts ~ ")" -%}
    cast(
        cast(
            {{ whole }} + case
                when 2 * {{ rest }} > {{ parts }} then 1
                when 2 * {{ rest }} = {{ parts }} and {{ whole }} % 2 = 1 then 1
                else 0
            end
            as decimal(25, 0)
        ) * cast(0.000000000001 as decimal(13, 12))
        as decimal(38, 12)
    )
{%- endmacro %}

{# US dollars for a million tokens as decimal(38, 12), half to even; NULL where dollars or tokens are unknown or none #}
{% macro usd_per_mtok(usd, tokens) -%}
    case
        when {{ tokens }} > 0
            then sign({{ usd }})
                * {{ exact_ratio("abs(" ~ usd ~ ")", "cast(" ~ tokens ~ " as decimal(26, 0)) * 0.000001") }}
    end
{%- endmacro %}
