{#
    The token class of a Bedrock usage type. The order matters: every cache type names input tokens too, and a
    one-hour cache write names a cache write.
#}
{% macro aws_token_class(usage_type) -%}
    {%- set text = "lower(" ~ usage_type ~ ")" -%}
    case
        when regexp_matches({{ text }}, 'provisionedthroughput|reserved') then 'other'
        when regexp_matches({{ text }}, 'cache[-_ ]?read') then 'cache_read'
        when regexp_matches({{ text }}, 'cache[-_ ]?write') and contains({{ text }}, '1h') then 'cache_write_1h'
        when regexp_matches({{ text }}, 'cache[-_ ]?write') then 'cache_write_5m'
        when regexp_matches({{ text }}, 'output([-_ ]?token|$)') then 'output'
        when regexp_matches({{ text }}, 'input([-_ ]?token|$)') then 'input'
        else 'other'
    end
{%- endmacro %}

{# how a Bedrock usage type is sold #}
{% macro aws_pricing_category(usage_type) -%}
    {%- set text = "lower(" ~ usage_type ~ ")" -%}
    case
        when {{ usage_type }} is null then 'other'
        when contains({{ text }}, 'provisionedthroughput') then 'provisioned'
        when contains({{ text }}, 'reserved') then 'committed'
        when contains({{ text }}, 'batch') then 'batch'
        when regexp_matches({{ text }}, '[-_]flex') then 'flex'
        when regexp_matches({{ text }}, '[-_]priority') then 'priority'
        else 'on_demand'
    end
{%- endmacro %}

{# the service tier that a Bedrock usage type names #}
{% macro aws_service_tier(usage_type) -%}
    {%- set text = "lower(" ~ usage_type ~ ")" -%}
    case
        when {{ usage_type }} is null then null
        when contains({{ text }}, 'provisionedthroughput') then 'provisioned'
        when contains({{ text }}, 'reserved') then 'reserved'
        when contains({{ text }}, 'batch') then 'batch'
        when regexp_matches({{ text }}, '[-_]flex') then 'flex'
        when regexp_matches({{ text }}, '[-_]priority') then 'priority'
        when regexp_matches({{ text }}, 'latency[-_]?optimi[sz]ed') then 'latency_optimized'
        else 'standard'
    end
{%- endmacro %}

{#
    Where a call may have been served: global costs less than geo and regional. The usage type tells, or the id of the
    system profile that was called; the bill names the calling region whichever it is.
#}
{% macro aws_routing(usage_type, resource_id) -%}
    case
        when regexp_matches(lower({{ usage_type }}), 'global') then 'global'
        when contains({{ resource_id }}, ':inference-profile/global.') then 'global'
        when contains(lower({{ usage_type }}), 'cross-region') then 'geo'
        when regexp_matches({{ resource_id }}, ':inference-profile/(us|eu|apac|jp|au|ca|us-gov)\.') then 'geo'
        else 'regional'
    end
{%- endmacro %}

{#
    Tokens of a Bedrock usage row. AWS's own models are billed per 1K tokens, Marketplace ones per million; a row in
    another unit has no tokens. A double times 1,000 can miss the whole number by its last bit, so it is rounded.
#}
{% macro aws_tokens(usage_amount, pricing_unit) -%}
    case
        when lower({{ pricing_unit }}) in ('1k tokens', '1k token') then cast(round({{ usage_amount }} * 1000) as bigint)
        when lower({{ pricing_unit }}) in ('units', '1m tokens', 'million tokens')
            then cast(round({{ usage_amount }} * 1000000) as bigint)
        when lower({{ pricing_unit }}) in ('tokens', 'token') then cast(round({{ usage_amount }}) as bigint)
    end
{%- endmacro %}

{#
    The model's name inside a usage type of AWS itself: between the region prefix and the words of the token class. It
    may hold hyphens itself (gpt-oss-120b), so the words that follow end it, not the next hyphen.
#}
{% macro aws_billing_name(usage_type) -%}
    nullif(
        regexp_extract(
            {{ usage_type }},
            '^[A-Z0-9]+-(.+?)-(mantle|input|output|cache|reserved|batch|text|latency|ProvisionedThroughput)[-_]?',
            1
        ),
        ''
    )
{%- endmacro %}
