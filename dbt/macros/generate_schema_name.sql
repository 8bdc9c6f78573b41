{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- staging and intermediate live in schemas of those very names, marts and dims in the target's (main) -#}
    {{ custom_schema_name | trim if custom_schema_name is not none else target.schema }}
{%- endmacro %}
