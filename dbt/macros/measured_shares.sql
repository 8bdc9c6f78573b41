{# a comma-separated list of columns, each with the relation's name before it #}
{% macro prefixed(relation, columns) -%}
    {%- for column in columns.split(',') %}{{ relation }}.{{ column | trim }}{{ ', ' if not loop.last }}{% endfor -%}
{%- endmacro %}

{# equality of those columns in two relations, NULL being equal to NULL #}
{% macro same_things(one, other, columns) -%}
    {%- for column in columns.split(',') %}
    {{ one }}.{{ column | trim }} is not distinct from {{ other }}.{{ column | trim }}{{ ' and' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# tokens of a kind in a row of four counters: the kind's own where cached tokens are told apart, the whole prompt's else #}
{% macro kind_tokens(counted, kind, is_apart) -%}
    case
        when {{ kind }} = 'output' then coalesce({{ counted }}.output_tokens, 0)
        when not {{ is_apart }}
            then
                coalesce({{ counted }}.input_tokens, 0) + coalesce({{ counted }}.cache_read_tokens, 0)
                + coalesce({{ counted }}.cache_write_tokens, 0)
        when {{ kind }} = 'input' then coalesce({{ counted }}.input_tokens, 0)
        when {{ kind }} = 'cache_read' then coalesce({{ counted }}.cache_read_tokens, 0)
        else coalesce({{ counted }}.cache_write_tokens, 0)
    end
{%- endmacro %}
