{# who bills, and what the provider calls the accounts #}
{% macro focus_providers() -%}
    select * from (
        values
        ('aws', 'AWS', 'Payer Account', 'Account'),
        ('azure', 'Microsoft', 'Billing Account', 'Subscription'),
        ('gcp', 'Google Cloud', 'Billing Account', 'Project'),
        ('anthropic', 'Anthropic', 'Organization', 'Workspace'),
        ('openai', 'OpenAI', 'Organization', 'Project')
    ) as known (provider, provider_name, billing_account_type, sub_account_type)
{%- endmacro %}

{# the kind of resource that an ARN or an id of Azure or Google names #}
{% macro focus_resource_type(row) -%}
    nullif(case {{ row }}.provider
        when 'aws' then regexp_extract({{ row }}.resource_id, '^arn:[^:]*:[^:]*:[^:]*:[^:]*:([^/:]+)', 1)
        when 'azure' then regexp_extract({{ row }}.resource_id, '/providers/([^/]+/[^/]+)', 1)
        when 'gcp' then coalesce(
            nullif(regexp_extract({{ row }}.resource_id, '/([^/]+)/[^/]+$', 1), ''),
            case when {{ row }}.resource_id is not null then 'subscription' end
        )
    end, '')
{%- endmacro %}

{# model and token class as properties of the price; FOCUS 1.2 knows none for models, so they carry the mark of our own #}
{% macro focus_sku_price_details(models, pairs) -%}
    nullif(cast(to_json(map_from_entries(list_filter(
        [
            {'key': 'x_ModelDeveloper', 'value': any_value({{ models }}.developer)},
            {'key': 'x_ModelFamily', 'value': any_value({{ models }}.family)},
            {'key': 'x_ModelId', 'value': {{ pairs }}.model},
            {'key': 'x_ModelVersion', 'value': any_value({{ models }}.version)},
            {'key': 'x_TokenType', 'value': case {{ pairs }}.token_class
                when 'input' then 'Input'
                when 'output' then 'Output'
                when 'cache_read' then 'CacheRead'
                when 'cache_write_5m' then 'CacheWrite'
                when 'cache_write_1h' then 'CacheWrite'
            end},
            {'key': 'x_CacheDuration', 'value': case {{ pairs }}.token_class
                when 'cache_write_5m' then '5 Minutes'
                when 'cache_write_1h' then '1 Hour'
            end}
        ],
        lambda entry: entry.value is not null
    ))) as varchar), '{}')
{%- endmacro %}

{# whether a charge of a commitment is the part that nobody used #}
{% macro focus_is_unused() -%}
    charge_category = 'Usage' and commitment_id is not null
    and coalesce(contains(resource_id, '/reservationorders/'), true)
{%- endmacro %}

{# how the charge that a row is part of was shared: the measure first, then the splits that were decided, in their order #}
{% macro focus_allocation_method() -%}
    nullif(concat_ws(
        ' > ',
        case when native_method in ('gateway_share', 'capacity_share') then native_method end,
        'split ' || split_path
    ), '')
{%- endmacro %}

{# whom a part is allocated to; the keys carry our mark, as tags that a data generator defines need one #}
{% macro focus_allocated_tags() -%}
    '{' || concat_ws(
        ',',
        {%- for name in ['team', 'product', 'environment'] %}
        '"inferledger/{{ name }}":' || nullif(cast(to_json({{ name }}) as varchar), 'null'){{ ',' if not loop.last }}
        {%- endfor %}
    ) || '}'
{%- endmacro %}
