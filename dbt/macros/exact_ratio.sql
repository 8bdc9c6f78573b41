{#
    One decimal over another as decimal(38, 12), half to even on exact integers: DuckDB's own division is a double.
    Both must be above 0 and below 1e14; NULL where either is unknown.
#}
{% macro exact_ratio(numerator, denominator) -%}
    {%- set units = "cast(cast(" ~ numerator ~ " as decimal(38, 12)) * 1000000000000 as hugeint)" -%}
    {%- set parts = "cast(cast(" ~ denominator ~ " as decimal(38, 12)) * 1000000000000 as hugeint)" -%}
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
