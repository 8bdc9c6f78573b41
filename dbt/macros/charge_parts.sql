{#
    A query that takes a charge's amounts apart: each row of `from_` is one part of a charge, with the whole charge's
    amounts on it, and leaves with the part's own.

    key: column that numbers the charges; weight, total: whole numbers below 10^18, the part's and its charge's;
    `part_rank` in `from_` numbers the parts of a charge from 1, the largest first. Money, priced quantities and the ratio are rounded half to even to
    twelve decimals and tokens down, and what is left over goes to the largest part, so parts sum to their charge. An
    amount that is unknown stays unknown in every part.
#}
{% macro charge_parts(from_, key, weight, total) -%}
    {%- set money = [
        'billed_cost', 'effective_cost', 'list_cost', 'billed_cost_usd', 'effective_cost_usd', 'pricing_quantity',
        'allocated_ratio'
    ] -%}
    select
        * exclude (part_rank, _tokens{% for amount in money %}, _{{ amount }}{% endfor %})
        replace (
            {%- for amount in money %}
            cast(
                case
                    when {{ amount }} is null then null
                    when part_rank = 1
                        then {{ amount }} - coalesce(sum(_{{ amount }}) filter (where part_rank > 1) over (partition by {{ key }}), 0)
                    else _{{ amount }}
                end
                as decimal(38, 12)
            ) as {{ amount }},
            {%- endfor %}
            cast(
                case
                    when part_rank = 1
                        then consumed_tokens - coalesce(sum(_tokens) filter (where part_rank > 1) over (partition by {{ key }}), 0)
                    else _tokens
                end
                as bigint
            ) as consumed_tokens
        )
    from (
        select
            *,
            {%- for amount in money %}
            {{ money_share(amount, weight, total) }} as _{{ amount }},
            {%- endfor %}
            cast(cast(consumed_tokens as hugeint) * {{ weight }} // nullif({{ total }}, 0) as bigint) as _tokens
        from {{ from_ }}
    ) as shared
{%- endmacro %}
