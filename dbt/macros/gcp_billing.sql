{# one over a rate as decimal(18, 12), half to even on exact integers; NULL for an unknown rate and for 0 #}
{% macro inverse_rate(rate) -%}
    {%- set units = "cast(" ~ to_money(rate) ~ " * 1000000000000 as hugeint)" -%}
    {%- set one = "cast(1000000000000000000000000 as hugeint)" -%}
    {%- set whole = "(" ~ one ~ " // nullif(" ~ units ~ ", 0))" -%}
    {%- set rest = "(" ~ one ~ " % nullif(" ~ units ~ ", 0))" -%}
    cast(
        cast(
            {{ whole }} + case
                when 2 * {{ rest }} > {{ units }} then 1
                when 2 * {{ rest }} = {{ units }} and {{ whole }} % 2 = 1 then 1
                else 0
            end
            as decimal(18, 0)
        ) * cast(0.000000000001 as decimal(13, 12))
        as decimal(18, 12)
    )
{%- endmacro %}

{# a list of key and value records, as Google writes labels, as a map #}
{% macro label_map(labels) -%}
    map_from_entries(list_transform({{ labels }}, lambda label: struct_pack(key := label['key'], value := label['value'])))
{%- endmacro %}

{# the same of records whose fields are written with capitals, as the FOCUS export does #}
{% macro focus_label_map(labels) -%}
    map_from_entries(list_transform({{ labels }}, lambda label: struct_pack(key := label['Key'], value := label['Value'])))
{%- endmacro %}

{# the columns that every route of the Google bill ends in: rows and credits #}
{% macro gcp_row_columns() -%}
    billing_account_id, project_id, project_name, service_id, service_name, sku_id, sku, region_id, resource_id,
    subscription_id,
    request_labels, project_labels, cost_type, adjustment_mode, billing_currency, usage_unit, usage_amount, pricing_unit,
    pricing_amount, usd_per_currency, cost, list_cost, billing_month, usage_start_at, usage_end_at, exported_at, charge_date, export_kind,
    read_from
{%- endmacro %}
{% macro gcp_credit_columns() -%}
    billing_account_id, project_id, project_name, service_id, service_name, sku_id, sku, region_id, resource_id,
    request_labels, project_labels, credit_type, credit_name, billing_currency, usd_per_currency, amount, billing_month, charge_date,
    export_kind, read_from
{%- endmacro %}

{# whether a SKU keeps tokens in a cache: it counts tokens times hours #}
{% macro gcp_is_cache_storage(sku) -%}
    regexp_matches(lower({{ sku }}), '(caching|cache) storage')
{%- endmacro %}

{# tokens, and the hours that a cache keeps them, in the unit of Google's price list, whatever word the export has #}
{% macro gcp_pricing_quantity() -%}
    case
        when consumed_tokens is not null then {{ token_blocks('consumed_tokens', '1000000') }}
        when {{ gcp_is_cache_storage('sku') }}
            then cast(pricing_amount * cast(0.000001 as decimal(7, 6)) as decimal(38, 12))
        else pricing_amount
    end
{%- endmacro %}

{% macro gcp_pricing_unit() -%}
    case
        when consumed_tokens is not null then '1000000 Tokens'
        when {{ gcp_is_cache_storage('sku') }} then '1000000 Token-Hours'
        else {{ focus_unit('pricing_unit') }}
    end
{%- endmacro %}
