{# what a row of Anthropic's cost report counts #}
{% macro anthropic_token_class(token_type) -%}
    case {{ token_type }}
        when 'uncached_input_tokens' then 'input'
        when 'output_tokens' then 'output'
        when 'cache_read_input_tokens' then 'cache_read'
        when 'cache_creation.ephemeral_5m_input_tokens' then 'cache_write_5m'
        when 'cache_creation.ephemeral_1h_input_tokens' then 'cache_write_1h'
        else 'other'
    end
{%- endmacro %}

{# how a service tier of Anthropic or OpenAI is priced #}
{% macro api_pricing_category(service_tier) -%}
    case
        when {{ service_tier }} is null then 'on_demand'
        when lower({{ service_tier }}) in ('standard', 'default', 'auto') then 'on_demand'
        when lower({{ service_tier }}) = 'batch' then 'batch'
        when lower({{ service_tier }}) in ('priority', 'priority_on_demand') then 'priority'
        when lower({{ service_tier }}) in ('flex', 'flex_discount') then 'flex'
        else 'other'
    end
{%- endmacro %}

{# the same as the word of the price lists; NULL for a tier that they do not know #}
{% macro api_service_tier(service_tier) -%}
    case {{ api_pricing_category(service_tier) }}
        when 'on_demand' then 'standard'
        when 'other' then null
        else {{ api_pricing_category(service_tier) }}
    end
{%- endmacro %}

{# where a direct API ran the model: anywhere, unless the report names a geography #}
{% macro api_region_class(token_class, inference_geo) -%}
    case
        when {{ token_class }} = 'other' then null
        when lower({{ inference_geo }}) not in ('global', 'not_available') then 'geo'
        else 'global'
    end
{%- endmacro %}

{# whether the price of a long context counts: Anthropic's report names the window of the request #}
{% macro api_context_band(token_class, context_window) -%}
    case
        when {{ token_class }} = 'other' then null
        when {{ context_window }} = '200k-1M' then 'long'
        else 'default'
    end
{%- endmacro %}

{#
    How far the reports of an API with daily buckets reach: a day is whole once it is over, and the run's own day never
    is.
#}
{% macro report_status(source, usage, costs) -%}
with

usage as (
    select * from {{ usage }}
),

costs as (
    select * from {{ costs }}
),

days as (
    select
        organization_id,
        usage_date as day
    from usage
    union all
    select
        organization_id,
        charge_date as day
    from costs
),

statuses as (
    select
        '{{ source }}' as source,
        '{{ source }}' as provider,
        organization_id as account_id,
        least(
            cast(max(day) + 1 as timestamp), cast(timestamp '{{ var("as_of") }}' as timestamp)
        ) as watermark,
        max(day) filter (where day < cast(timestamp '{{ var("as_of") }}' as date)) as complete_through,
        count(*) as rows,
        cast(null as varchar) as message
    from days
    group by organization_id
)

select * from statuses
{%- endmacro %}

{# what the FOCUS export needs besides: the reports of the APIs name neither invoice nor SKU, and price per million tokens #}
{% macro api_billing_details(priced, counted) -%}
    cast(null as varchar) as invoice_id,
    cast(null as varchar) as sku_id,
    cast(null as varchar) as charge_class,
    case when {{ priced }}.cost >= 0 and {{ priced }}.sharers = 1 then {{ token_blocks(counted ~ '.tokens', '1000000') }} end
        as pricing_quantity,
    case when {{ priced }}.cost >= 0 and {{ priced }}.sharers = 1 and {{ counted }}.tokens is not null then '1000000 Tokens' end
        as pricing_unit,
    cast(null as varchar) as sub_account_name,
    cast(null as varchar) as commitment_id,
    cast(null as varchar) as tags
{%- endmacro %}
