{#
    The columns that every format of the AWS bill is brought to; a staging model per landed stream calls the one of its
    format. `is_text`: whether the stream holds what a CSV file said, word for word.
#}
{% macro aws_cur2_rows(stream, is_text=false) -%}
select
    {{ aws_word('bill_payer_account_id') }} as payer_account_id,
    {{ aws_word('line_item_usage_account_id') }} as usage_account_id,
    {{ aws_word('bill_invoice_id') }} as invoice_id,
    {{ aws_word('line_item_resource_id') }} as resource_id,
    {{ aws_word('line_item_iam_principal') }} as iam_principal,

    bill_billing_entity as billing_entity,
    line_item_line_item_type as line_item_type,
    line_item_product_code as product_code,
    {{ aws_word(aws_map('product', is_text) ~ "['product_name']") }} as product_name,
    {{ aws_word('line_item_usage_type') }} as usage_type,
    {{ aws_word('line_item_operation') }} as operation,
    {{ aws_word('product_region_code') }} as region_code,
    {{ aws_word('pricing_unit') }} as pricing_unit,
    {{ aws_map('resource_tags', is_text) }} as resource_tags,
    {{ aws_map('tags', is_text) }} as other_tags,

    {{ aws_quantity('line_item_usage_amount', is_text) }} as usage_amount,

    line_item_currency_code as currency_code,
    {{ to_money('line_item_unblended_cost', is_double=not is_text) }} as unblended_cost,
    {{ to_money('line_item_net_unblended_cost', is_double=not is_text) }} as net_unblended_cost,
    {{ to_money('pricing_public_on_demand_cost', is_double=not is_text) }} as public_on_demand_cost,

    false as is_foreign,
    {{ aws_month('bill_billing_period_start_date', is_text) }} as billing_month,
    {{ aws_time('line_item_usage_start_date', is_text) }} as usage_start_at,
    {{ aws_time('line_item_usage_end_date', is_text) }} as usage_end_at,
    regexp_extract(filename, '([^/]+/){4}[^/]+$') as bill_file,
    _loaded_at as loaded_at
from {{ source('aws_cur', stream) }}
{%- endmacro %}

{% macro aws_legacy_rows(stream) -%}
select
    {{ aws_word('"bill/PayerAccountId"') }} as payer_account_id,
    {{ aws_word('"lineItem/UsageAccountId"') }} as usage_account_id,
    {{ aws_word('"bill/InvoiceId"') }} as invoice_id,
    {{ aws_word('"lineItem/ResourceId"') }} as resource_id,
    cast(null as varchar) as iam_principal,

    "bill/BillingEntity" as billing_entity,
    "lineItem/LineItemType" as line_item_type,
    "lineItem/ProductCode" as product_code,
    {{ aws_word('"product/ProductName"') }} as product_name,
    {{ aws_word('"lineItem/UsageType"') }} as usage_type,
    {{ aws_word('"lineItem/Operation"') }} as operation,
    coalesce({{ aws_word('"product/regionCode"') }}, {{ aws_word('"product/region"') }}) as region_code,
    {{ aws_word('"pricing/unit"') }} as pricing_unit,
    _resource_tags as resource_tags,
    cast(null as map(varchar, varchar)) as other_tags,

    {{ aws_quantity('"lineItem/UsageAmount"', true) }} as usage_amount,

    "lineItem/CurrencyCode" as currency_code,
    {{ to_money('"lineItem/UnblendedCost"') }} as unblended_cost,
    {{ to_money('"lineItem/NetUnblendedCost"') }} as net_unblended_cost,
    {{ to_money('"pricing/publicOnDemandCost"') }} as public_on_demand_cost,

    false as is_foreign,
    {{ aws_month('"bill/BillingPeriodStartDate"', true) }} as billing_month,
    {{ aws_time('"lineItem/UsageStartDate"', true) }} as usage_start_at,
    {{ aws_time('"lineItem/UsageEndDate"', true) }} as usage_end_at,
    regexp_extract(filename, '([^/]+/){4}[^/]+$') as bill_file,
    _loaded_at as loaded_at
from {{ source('aws_cur', stream) }}
{%- endmacro %}

{#
    FOCUS: discounts are inside BilledCost, so a month sums to the same as unblended cost with its discount rows. What a
    row meters stands in x_UsageType (1.0), SkuMeter (1.2) or nothing but the description. A Marketplace row is known by
    who publishes it. `meter`, `invoice`: columns of the version, NULL where it has none.
#}
{% macro aws_focus_rows(stream, meter, invoice, is_text=false) -%}
select
    {{ aws_word('BillingAccountId') }} as payer_account_id,
    {{ aws_word('SubAccountId') }} as usage_account_id,
    {{ aws_word(invoice) }} as invoice_id,
    {{ aws_word('ResourceId') }} as resource_id,
    cast(null as varchar) as iam_principal,

    case
        when
            contains(ServiceName, '(Amazon Bedrock Edition)')
            or not regexp_matches(coalesce({{ aws_word('PublisherName') }}, 'AWS'), '^(AWS|Amazon)')
            then 'AWS Marketplace'
        else 'AWS'
    end as billing_entity,
    case when ChargeCategory = 'Purchase' then 'Fee' else ChargeCategory end as line_item_type,
    {{ aws_word('x_ServiceCode') }} as product_code,
    {{ aws_word('ServiceName') }} as product_name,
    coalesce({{ aws_word('x_UsageType') }}, {{ aws_word(meter) }}, {{ aws_word('ChargeDescription') }}) as usage_type,
    {{ aws_word('x_Operation') }} as operation,
    {{ aws_word('RegionId') }} as region_code,
    coalesce({{ aws_word('PricingUnit') }}, {{ aws_word('ConsumedUnit') }}) as pricing_unit,
    {{ aws_map('Tags', is_text) }} as resource_tags,
    cast(null as map(varchar, varchar)) as other_tags,

    coalesce(
        case when {{ aws_word('PricingUnit') }} is not null then {{ aws_quantity('PricingQuantity', is_text) }} end,
        {{ aws_quantity('ConsumedQuantity', is_text) }}
    ) as usage_amount,

    {{ aws_word('BillingCurrency') }} as currency_code,
    {{ to_money('BilledCost', is_double=not is_text) }} as unblended_cost,
    {{ to_money('EffectiveCost' if not is_text else aws_word('EffectiveCost'), is_double=not is_text) }} as net_unblended_cost,
    {{ to_money('ListCost' if not is_text else aws_word('ListCost'), is_double=not is_text) }} as public_on_demand_cost,

    not regexp_matches(coalesce({{ aws_word('ProviderName') }}, 'AWS'), '(?i)^(aws|amazon)') as is_foreign,
    {{ aws_month('BillingPeriodStart', is_text) }} as billing_month,
    {{ aws_time('ChargePeriodStart', is_text) }} as usage_start_at,
    {{ aws_time('ChargePeriodEnd', is_text) }} as usage_end_at,
    regexp_extract(filename, '([^/]+/){4}[^/]+$') as bill_file,
    _loaded_at as loaded_at
from {{ source('aws_cur', stream) }}
{%- endmacro %}

{# text that says something: FOCUS files write NULL as a word #}
{% macro aws_word(expr) -%}
    nullif(nullif(trim({{ expr }}), ''), 'NULL')
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
