{#
    A model that is built part by part, a day or a file being a part: only parts whose inputs are others than when they
    were last built are built again. It is an incremental model that appends, after what has changed was taken out:

        config(materialized='incremental', meta={'part': ..., 'built_from': {...}}, **by_part())

    `part`: the column of the model that says which part a row belongs to; `part_type` its type, a date unless it says so.
    `built_from`: every model that it reads, and which parts a row of that bears on: an expression of its columns, a list
    of them, or `whole` where any row bears on every part. `covered` says that another of the inputs stands for it.

    An input is the same while the sum of the hashes of its rows is, so a row that only moved changes nothing. The digests
    are kept in pipeline.built_parts, in the transaction that builds the model. `dbt build --full-refresh` forgets them.
#}
{% macro by_part() %}
    {{ return({
        'incremental_strategy': 'append',
        'on_schema_change': 'fail',
        'pre_hook': ['{{ digest_parts() }}', '{{ find_changed_parts() }}', '{{ drop_changed_parts() }}'],
        'post_hook': ['{{ keep_parts() }}'],
    }) }}
{% endmacro %}

{# whether a row is of a part that is built now: the condition of each read of an input, and of the rows that are written #}
{% macro is_changed_part(part) -%}
    {%- if is_incremental() -%}
        ({{ part }} is null or list_contains(getvariable('changed_parts'), {{ part }}))
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# whether a day is the one after such a part; the days are counted on in the list, since DuckDB moves no filter that
   could overflow below a join #}
{% macro is_day_after_changed_part(day) -%}
    {%- if is_incremental() -%}
        list_contains(list_transform(getvariable('changed_parts'), lambda part: cast(part + 1 as date)), {{ day }})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# before a run: where the digests are kept #}
{% macro create_built_parts() %}
    create schema if not exists pipeline;
    create table if not exists pipeline.built_parts (model varchar, part varchar, digest varchar)
{% endmacro %}

{# what each part would be built from now #}
{% macro digest_parts() %}
    {%- if execute -%}
    {%- set wholes, parts = [], [] -%}
    {%- for name, bears_on in model.config.meta.built_from.items() -%}
        {%- if bears_on == 'whole' -%}
            {%- do wholes.append("select '" ~ name ~ "' as input, sum(hash(i)) as digest from " ~ ref(name) ~ " as i") -%}
        {%- elif bears_on != 'covered' -%}
            {%- do parts.append(
                "select cast(part as varchar) as part, '" ~ name ~ "' as input, sum(digest) as digest from ("
                ~ "select unnest([" ~ ([bears_on] if bears_on is string else bears_on) | join(', ') ~ "]) as part, hash(i) as digest from "
                ~ ref(name) ~ " as i) group by part"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    create or replace temp table parts_now as
    with
    inputs as ({{ parts | join(' union all ') }}),
    wholes as (
        select coalesce(string_agg(input || '=' || coalesce(digest, 0), ',' order by input), '') as digest
        from ({{ wholes | join(' union all ') or "select '' as input, 0 as digest where false" }})
    )
    select
        part,
        md5(string_agg(input || '=' || inputs.digest, ',' order by input) || ';' || any_value(wholes.digest)) as digest
    from inputs
    cross join wholes
    where part is not null
    group by part
    {%- endif -%}
{% endmacro %}

{% macro find_changed_parts() %}
    {%- if execute and is_incremental() -%}
        set variable changed_parts = (
            select coalesce(list(cast(coalesce(parts_now.part, built.part) as {{ model.config.meta.get('part_type', 'date') }})), [])
            from parts_now
            full outer join (select * from pipeline.built_parts where model = '{{ this.name }}') as built
                on parts_now.part = built.part
            where parts_now.digest is distinct from built.digest
        )
    {%- endif -%}
{% endmacro %}

{% macro drop_changed_parts() %}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} where {{ is_changed_part(model.config.meta.part) }}
    {%- endif -%}
{% endmacro %}

{% macro keep_parts() %}
    delete from pipeline.built_parts where model = '{{ this.name }}';
    insert into pipeline.built_parts select '{{ this.name }}', part, digest from parts_now
{% endmacro %}
