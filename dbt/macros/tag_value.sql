{#
    The organisation's value of a tag, read from a map of provider tags or labels: trimmed, lower case, NULL when absent
    or blank.

    tags: expression of type map(varchar, varchar); canonical: 'team', 'product' or 'environment'. Which keys mean that
    word is configuration (landing/config/tag_synonyms). Keys are compared in lower case, any run of other signs than
    letters and digits counting as one underscore, without the `user:` that AWS puts in front. The key that stands
    first in the configuration wins.
#}
{% macro tag_value(tags, canonical) -%}
    lower(trim({{ deciding_tag(tags, canonical, 'tag.value') }}))
{%- endmacro %}

{# the tag that `tag_value` read, as `key=value` in the provider's own spelling #}
{% macro tag_evidence(tags, canonical) -%}
    {{ deciding_tag(tags, canonical, "tag.key || '=' || tag.value") }}
{%- endmacro %}

{# an expression over the `tag` (key, value) that speaks of a word of the organisation #}
{% macro deciding_tag(tags, canonical, expression) -%}
    list_filter(
        list_transform(
            (
                select list({{ tag_key('synonyms.key') }} order by synonyms.position, synonyms.key)
                from {{ ref('stg_config__tag_synonyms') }} as synonyms
                where synonyms.canonical = '{{ canonical }}'
            ),
            lambda synonym: list_transform(
                list_filter(
                    map_entries({{ tags }}),
                    lambda tag: regexp_replace({{ tag_key('tag.key') }}, '^user_', '') = synonym and trim(tag.value) <> ''
                ),
                lambda tag: {{ expression }}
            )[1]
        ),
        lambda found: found is not null
    )[1]
{%- endmacro %}

{% macro tag_key(key) -%}
    regexp_replace(lower({{ key }}), '[^a-z0-9]+', '_', 'g')
{%- endmacro %}

{# whether a value matches a pattern in which `*` stands for any text, case apart #}
{% macro matches_pattern(value, pattern) -%}
    like_escape(
        lower({{ value }}),
        replace(replace(replace(replace(lower({{ pattern }}), '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'),
        '\'
    )
{%- endmacro %}

{# a sum that is NULL as soon as one of its terms is unknown #}
{% macro known_sum(expr, type='decimal(38, 12)') -%}
    case when count(*) = count({{ expr }}) then cast(sum({{ expr }}) as {{ type }}) end
{%- endmacro %}
