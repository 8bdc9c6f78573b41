{# the columns in which every shape of Azure's bill leaves staging, in their order #}
{% macro azure_cost_columns() -%}
    billing_account_id, sub_account_id, resource_id, region_id, consumed_service, service_name,
    meter_subcategory, meter, unit_of_measure, charge_type, pricing_model, publisher_name,
    deployment_tag, tags, billing_currency, quantity, cost, list_cost, view, route, scope_kind,
    charge_date, window_month, invoice_id, sku_id, charge_class, sub_account_name, commitment_id, usd_per_currency
{%- endmacro %}

{# the rows of one view of Azure's bill as its query landed them, renamed and cast; region names lose case and blanks #}
{% macro azure_cost_rows(relation, view) -%}
    select
        lower(_billing_account_id) as billing_account_id,
        nullif(lower(trim("SubscriptionId")), '') as sub_account_id,
        nullif(lower(trim("ResourceId")), '') as resource_id,
        nullif(replace(lower(trim("ResourceLocation")), ' ', ''), '') as region_id,
        {{ azure_consumed_service('"ConsumedService"') }} as consumed_service,
        nullif(trim("ServiceName"), '') as service_name,
        nullif(trim("ServiceTier"), '') as meter_subcategory,
        nullif(trim("Meter"), '') as meter,
        nullif(trim("UnitOfMeasure"), '') as unit_of_measure,
        nullif(trim("ChargeType"), '') as charge_type,
        nullif(trim("PricingModel"), '') as pricing_model,
        cast(null as varchar) as publisher_name,
        nullif(lower(trim("TagValue")), '') as deployment_tag,
        -- the query tells one tag a row; the others come by resource and day
        cast(null as map(varchar, varchar)) as tags,
        upper(trim("Currency")) as billing_currency,
        {{ to_money('"UsageQuantity"') }} as quantity,
        {{ to_money('"Cost"') }} as cost,
        -- the query gives no list price
        cast(null as decimal(38, 12)) as list_cost,
        '{{ view }}' as view,
        'query' as route,
        'billing_account' as scope_kind,
        cast(strptime(cast("UsageDate" as varchar), '%Y%m%d') as date) as charge_date,
        cast(_window_start as date) as window_month,
        -- nor does it tell invoice, meter id, subscription name or reservation
        cast(null as varchar) as invoice_id,
        cast(null as varchar) as sku_id,
        cast(null as varchar) as charge_class,
        cast(null as varchar) as sub_account_name,
        cast(null as varchar) as commitment_id,
        cast(null as decimal(18, 12)) as usd_per_currency
    from {{ relation }}
{%- endmacro %}

{# the provider namespace of a row in one spelling; some exports write it in lower case #}
{% macro azure_consumed_service(expr) -%}
    case lower(trim({{ expr }}))
        when 'microsoft.cognitiveservices' then 'Microsoft.CognitiveServices'
        when 'microsoft.capacity' then 'Microsoft.Capacity'
        else nullif(trim({{ expr }}), '')
    end
{%- endmacro %}

{# a day as files write it: ISO, with or without a time, or MM/DD/YYYY #}
{% macro azure_day(expr) -%}
    cast(coalesce(
        try_strptime(left(trim({{ expr }}), 10), '%Y-%m-%d'),
        try_strptime(split_part(trim({{ expr }}), ' ', 1), '%m/%d/%Y')
    ) as date)
{%- endmacro %}

{# an amount that is not needed for the bill, such as a list price: NULL where it is no number #}
{% macro azure_number(expr) -%}
    {{ to_money("case when regexp_matches(trim(" ~ expr ~ "), '^[-+]?([0-9]{1,18}\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]{1,2})?$') then trim(" ~ expr ~ ") end") }}
{%- endmacro %}

{#
    Tags as a map: JSON, or Azure's own form without the braces around it (`"team": "a","env": "b"`). Text that is
    neither is no tag. Of a key that stands twice the first counts.
#}
{% macro azure_tags(expr) -%}
    list_transform(
        [case
            when starts_with(trim({{ expr }}), '{') then trim({{ expr }})
            else '{' || coalesce(trim({{ expr }}), '') || '}'
        end],
        lambda text: case
            when json_valid(text) and json_type(text) = 'OBJECT'
                then map_from_entries(list_transform(
                    list_sort(list_distinct(json_keys(text))),
                    lambda k: struct_pack(
                        key := k,
                        value := json_extract_string(text, '/' || replace(replace(k, '~', '~0'), '/', '~1'))
                    )
                ))
        end
    )[1]
{%- endmacro %}

{# the deployment that Azure itself names on a row, where it does #}
{% macro azure_deployment_tag(tags) -%}
    nullif(lower(trim(list_filter(
        map_entries({{ tags }}), lambda tag: lower(tag.key) = 'deployment'
    )[1].value)), '')
{%- endmacro %}
