{#
    Utilization at which a unit pays at public prices alone: its hourly price over what its nominal throughput of
    uncached input tokens costs on demand. A ratio, decimal(18, 12), NULL where one of the three is not known.
#}
{% macro list_break_even(usd_per_unit_hour, tokens_per_minute, usd_per_mtok) -%}
    try_cast(
        cast({{ usd_per_unit_hour }} as double) * 1000000
        / nullif(60 * cast({{ tokens_per_minute }} as double) * cast({{ usd_per_mtok }} as double), 0)
        as decimal(18, 12)
    )
{%- endmacro %}
