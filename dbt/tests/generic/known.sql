{# none of the listed columns is NULL; one pass over the model for all of them #}
{% test known(model, columns) %}

select *
from {{ model }}
where {{ columns | join(' is null or ') }} is null

{% endtest %}
