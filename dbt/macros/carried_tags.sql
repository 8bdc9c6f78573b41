{#
    All tags of a thing as one text, set by set in the order of their evidence: JSON objects of method and tags, joined
    by commas. NULL where there are none. Sets stay apart because a request's label says more than its project's.

    sets: pairs of the attribution method that the set stands for and an expression of type map(varchar, varchar).
#}
{% macro carried_tags(sets) -%}
    {%- set texts = [] -%}
    {%- for method, tags in sets -%}
        {%- do texts.append(tag_set_text(method, tags)) -%}
    {%- endfor -%}
    {{ joined_tag_sets(texts) }}
{%- endmacro %}

{# such texts as one; NULL where none says anything #}
{% macro joined_tag_sets(texts) -%}
    nullif(concat_ws(',', {{ texts | join(', ') }}), '')
{%- endmacro %}

{% macro tag_set_text(method, tags) -%}
    case
        when cardinality({{ tags }}) > 0
            then '{"method":"{{ method }}","tags":' || cast(to_json({{ tags }}) as varchar) || '}'
    end
{%- endmacro %}

{# the sets of such a text, as a list of structs #}
{% macro carried_sets(text) -%}
    from_json('[' || {{ text }} || ']', '[{"method":"VARCHAR","tags":"MAP(VARCHAR,VARCHAR)"}]')
{%- endmacro %}
