{#
    Half-open intervals of one key neither overlap nor end before they start. NULL in valid_to is an open end.
    key: columns that name the thing; rows of the same key must follow each other in time.
#}
{% test no_overlap(model, key, valid_from='valid_from', valid_to='valid_to') %}

with

intervals as (
    select
        {{ key | join(', ') }},
        {{ valid_from }} as starts_on,
        {{ valid_to }} as ends_on,
        lead({{ valid_from }}) over (
            partition by {{ key | join(', ') }}
            order by {{ valid_from }}, {{ valid_to }} nulls last
        ) as next_starts_on
    from {{ model }}
)

select *
from intervals
where
    starts_on is null
    or ends_on <= starts_on
    or (next_starts_on is not null and (ends_on is null or ends_on > next_starts_on))

{% endtest %}
