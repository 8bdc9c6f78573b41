{#
    A query that splits `amount` over the rows of each group in proportion to `weight`, so that the parts sum exactly.

    from_: a CTE or relation; by: columns of the group (the origin row); amount: the group's decimal(38, 12), the same
    on each of its rows; weight: a non-negative bigint below 10^18 in the group's sum; tie_break: columns that order rows of equal weight;
    part: name of the column added. Each part is rounded half to even to twelve decimals on exact integers; what is
    left over goes to the largest weight. Where no weight is known or all are 0 the first row takes everything.
#}
{% macro money_split(from_, by, amount, weight, tie_break, part) -%}
    {%- set group_by = by | join(', ') -%}
    select
        parts.* exclude (_total_weight, _part),
        cast(
            parts._part + case
                when row_number() over (
                    partition by {{ group_by }}
                    order by {{ weight }} desc nulls last, {{ tie_break | join(', ') }}
                ) = 1
                    then {{ amount }} - sum(parts._part) over (partition by {{ group_by }})
                else 0
            end
            as decimal(38, 12)
        ) as {{ part }}
    from (
        select
            weighed.*,
            {{ money_share(amount, weight, '_total_weight') }} as _part
        from (
            select
                *,
                cast(sum({{ weight }}) over (partition by {{ group_by }}) as hugeint) as _total_weight
            from {{ from_ }}
        ) as weighed
    ) as parts
{%- endmacro %}

{# amount x weight / total, half to even on integers; 0 where there is no weight #}
{% macro money_share(amount, weight, total) -%}
    {%- set units = "abs(cast(replace(cast(" ~ amount ~ " as varchar), '.', '') as hugeint))" -%}
    {%- set left = "(" ~ units ~ " % nullif(" ~ total ~ ", 0)) * cast(" ~ weight ~ " as hugeint)" -%}
    {%- set floor_part = "((" ~ units ~ " // nullif(" ~ total ~ ", 0)) * cast(" ~ weight ~ " as hugeint) + (" ~ left ~ ") // nullif(" ~ total ~ ", 0))" -%}
    {%- set rest = "((" ~ left ~ ") % nullif(" ~ total ~ ", 0))" -%}
    coalesce(
        cast(
            cast(
                {{ floor_part }} + case
                    when 2 * {{ rest }} > {{ total }} then 1
                    when 2 * {{ rest }} = {{ total }} and {{ floor_part }} % 2 = 1 then 1
                    else 0
                end
                as decimal(38, 0)
            ) * cast(0.000000000001 as decimal(13, 12)) * cast(sign({{ amount }}) as integer)
            as decimal(38, 12)
        ),
        0
    )
{%- endmacro %}
