{# what a rule can speak of: rows that agree in all of these columns always have the same owner on the same day #}
{% macro thing_columns() -%}
    {{ return([
        'provider', 'billing_account_id', 'sub_account_id', 'region_id', 'service_name', 'resource_id', 'workload_id',
        'model', 'principal', 'key_id', 'carried_tags',
    ]) }}
{%- endmacro %}

{# the id of a row's thing; relation: where the columns stand; without: columns that it does not have #}
{% macro thing_id(relation, without=[]) -%}
    {%- set parts = [] -%}
    {%- for column in thing_columns() -%}
        {%- do parts.append("chr(30)" if column in without else "coalesce(" ~ relation ~ "." ~ column ~ ", chr(30))") -%}
    {%- endfor -%}
    md5(concat_ws(chr(31), {{ parts | join(', ') }}))
{%- endmacro %}

{# those columns of a group of rows that are one thing #}
{% macro columns_of_thing() -%}
    {%- set parts = [] -%}
    {%- for column in thing_columns() -%}
        {%- do parts.append("any_value(" ~ column ~ ") as " ~ column) -%}
    {%- endfor -%}
    {{ parts | join(', ') }}
{%- endmacro %}
