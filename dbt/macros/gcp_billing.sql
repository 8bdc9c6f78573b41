{# one over a rate as decimal(18, 12), half to even on exact integers; NULL for an unknown rate and for 0 #}
{% macro inverse_rate(rate) -%}
    {%- set units = "cast(" ~ to_money(rate) ~ " * 1000000000000 as hugeint)" -%}
    {%- set one = "cast(1000000000000000000000000 as hugeint)" -%}
    {%- set whole = "(" ~ one ~ " // nullif(" ~ units ~ ", 0))" -%}
    {%- set rest = "(" ~ one ~ " % nullif(" ~ units ~ ", 0))" -%}
    cast(
        cast(
            {{ whole }} + case
                when 2 * {{ rest }} > {{ units }} then 1
                when 2 * {{ rest }} = {{ units }} and {{ whole }} % 2 = 1 then 1
                else 0
            end
            as decimal(18, 0)
        ) * cast(0.000000000001 as decimal(13, 12))
        as decimal(18, 12)
    )
{%- endmacro %}

{# a list of key and value records, as Google writes labels, as a map #}
{% macro label_map(labels) -%}
    map_from_entries(list_transform({{ labels }}, lambda label: struct_pack(key := label['key'], value := label['value'])))
{%- endmacro %}
