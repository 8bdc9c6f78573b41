{# every listed column holds one of its words and is never NULL; one pass over the model for all of them #}
{% test closed_words(model, words) %}

select *
from {{ model }}
where {{ outside_of_words(words) }}

{% endtest %}
