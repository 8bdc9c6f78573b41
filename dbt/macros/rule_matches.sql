{#
    A query over the ids of things that rows with `provider`, `field` and `pattern` match, with all columns of those
    rows; what has no provider matches things of any. Reads int_owned_things and int_tag_values.
#}
{% macro rule_matches(rules) -%}
    with

    things as (
        select * from {{ ref('int_owned_things') }}
    ),

    -- of a key that stands in several sets of tags the best evidence counts
    first_values as (
        select
            carried_tags,
            plain_key,
            tag_value
        from {{ ref('int_tag_values') }}
        qualify row_number() over (partition by carried_tags, plain_key order by set_rank, tag_position) = 1
    )

    select
        things.thing_id,
        rules.*
    from things
    inner join {{ rules }} as rules
        on
            (rules.provider is null or things.provider = rules.provider)
            and {{ matches_pattern(ownership_value('rules.field', 'things'), 'rules.pattern') }}
    union all
    -- a set of tags has one value of a key: a rule matches a thing once
    select
        things.thing_id,
        rules.*
    from things
    inner join first_values
        on things.carried_tags = first_values.carried_tags
    inner join {{ rules }} as rules
        on
            (rules.provider is null or things.provider = rules.provider)
            and rules.field = 'tag:' || first_values.plain_key
            and {{ matches_pattern('first_values.tag_value', 'rules.pattern') }}
{%- endmacro %}
