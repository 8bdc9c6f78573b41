{#
    A query that takes metered counts apart: each row of `from_` is one part of a workload's day, with the whole day's
    counts on it, and leaves with the part's own.

    key: column that numbers the days; counts: columns, each with its weight beside it as `<count>_weight`. Counts are
    rounded down and what is left over goes to the largest weight, without any weight to the part without a team; so
    parts sum to their day. A count that is unknown stays unknown in every part.
#}
{% macro usage_parts(from_, key, counts) -%}
    select
        * exclude (
            {{ key }},
            {%- for count in counts %}
            {{ count }}_weight, {{ count }}_rank, {{ count }}_part{{ ',' if not loop.last }}
            {%- endfor %}
        )
        replace (
            {%- for count in counts %}
            cast(
                case
                    when {{ count }} is null then null
                    when {{ count }}_rank = 1
                        then {{ count }} - coalesce(
                            sum({{ count }}_part) filter (where {{ count }}_rank > 1) over (partition by {{ key }}), 0
                        )
                    else coalesce({{ count }}_part, 0)
                end
                as bigint
            ) as {{ count }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    from (
        select
            *,
            {%- for count in counts %}
            row_number() over (
                partition by {{ key }}
                order by {{ count }}_weight desc nulls last, team asc nulls first, product asc, environment asc
            ) as {{ count }}_rank,
            cast(
                cast({{ count }} as hugeint) * coalesce({{ count }}_weight, 0)
                // nullif(sum({{ count }}_weight) over (partition by {{ key }}), 0)
                as bigint
            ) as {{ count }}_part{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ from_ }}
    ) as ranked
{%- endmacro %}
