{#
    A model's name as its own developer writes it, from what a gateway, a trace or an API calls it: without the
    provider in front (`azure/`, `us.anthropic.`), without version, date and alias behind. It is a name to look up, not
    yet a model.
#}
{% macro plain_model_name(name) -%}
    regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(lower(trim({{ name }})), '^.*/', ''),
                '^((us|eu|apac|jp|au|us-gov|global)\.)?(anthropic|amazon|openai|google)\.', ''
            ),
            '(-v[0-9]+)?:[0-9]+$', ''
        ),
        '[-@]([0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}|latest|default|00[0-9])$', ''
    )
{%- endmacro %}

{#
    Prompt tokens without the cached ones. A log that counts them inside is the rule; one that counts them beside shows
    more of them than prompt tokens. Where the log says nothing of a cache, all prompt tokens stand.
#}
{% macro uncached_tokens(prompt, cache_read, cache_write) -%}
    case
        when coalesce({{ cache_read }}, 0) + coalesce({{ cache_write }}, 0) <= {{ prompt }}
            then {{ prompt }} - coalesce({{ cache_read }}, 0) - coalesce({{ cache_write }}, 0)
        else {{ prompt }}
    end
{%- endmacro %}

{# several lists of key and value as one map; of a key that comes twice the first one counts #}
{% macro first_labels(entries) -%}
    map_from_entries(list_transform(
        list_sort(list_distinct(list_transform({{ entries }}, lambda entry: entry.key))),
        lambda wanted: list_filter({{ entries }}, lambda entry: entry.key = wanted)[1]
    ))
{%- endmacro %}

{# tags written as `key:value` or `key=value`, as a list of key and value; others say nothing of a key #}
{% macro tag_entries(tags) -%}
    list_transform(
        list_filter(coalesce({{ tags }}, []), lambda tag: regexp_matches(tag, '^[^:=]+[:=].')),
        lambda tag: {
            'key': trim(regexp_extract(tag, '^([^:=]+)[:=](.*)$', 1)),
            'value': trim(regexp_extract(tag, '^([^:=]+)[:=](.*)$', 2))
        }
    )
{%- endmacro %}

{# the name of an Azure account, from the address of its endpoint #}
{% macro azure_account_of(address) -%}
    nullif(regexp_extract(
        lower({{ address }}), '^(?:https?://)?([a-z0-9-]+)\.(?:openai|cognitiveservices|services\.ai)\.azure\.', 1
    ), '')
{%- endmacro %}
