{#
    Half-open intervals of one key leave no day out between the first start and the last end.
    key: columns that name the thing.
#}
{% test no_gap(model, key, valid_from='valid_from', valid_to='valid_to') %}

with

intervals as (
    select
        {{ key | join(', ') }},
        {{ valid_to }} as ends_on,
        lead({{ valid_from }}) over (
            partition by {{ key | join(', ') }}
            order by {{ valid_from }}
        ) as next_starts_on
    from {{ model }}
)

select *
from intervals
where next_starts_on > ends_on

{% endtest %}
