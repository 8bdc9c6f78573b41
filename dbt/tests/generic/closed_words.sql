{# every listed column holds one of its words and is never NULL; one pass over the model for all of them #}
{% test closed_words(model, words) %}

select
    {{ words.keys() | join(', ') }},
    count(*) as row_count
from {{ model }}
where
    {%- for column, allowed in words.items() %}
    {{ 'or ' if not loop.first }}{{ column }} is null
    or {{ column }} not in ('{{ allowed | join("', '") }}')
    {%- endfor %}
group by {{ words.keys() | join(', ') }}

{% endtest %}
