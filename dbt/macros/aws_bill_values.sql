{# one value of the AWS bill, as typed files and CSV files hold it #}

{# text that says something: FOCUS files write NULL as a word; AWS's own Parquet files pad nothing, and are large #}
{% macro aws_word(expr, is_text=true) -%}
    {{ "nullif(nullif(trim(" ~ expr ~ "), ''), 'NULL')" if is_text else "nullif(" ~ expr ~ ", '')" }}
{%- endmacro %}

{# tags and attributes: a map, or JSON where a CSV file holds them; JSON that cannot be read is no tag #}
{% macro aws_map(expr, is_text) -%}
    {%- if is_text -%}
        try_cast(try_cast({{ aws_word(expr) }} as json) as map(varchar, varchar))
    {%- else -%}
        {{ expr }}
    {%- endif -%}
{%- endmacro %}

{% macro aws_quantity(expr, is_text) -%}
    {{ "cast(" ~ aws_word(expr) ~ " as double)" if is_text else expr }}
{%- endmacro %}

{# AWS's times are UTC; in text they carry a Z #}
{% macro aws_time(expr, is_text) -%}
    {{ "cast(trim(" ~ expr ~ ") as timestamp)" if is_text else expr }}
{%- endmacro %}

{% macro aws_month(expr, is_text) -%}
    cast(date_trunc('month', {{ aws_time(expr, is_text) }}) as date)
{%- endmacro %}
