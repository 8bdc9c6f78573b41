{#
    The columns that every format of the AWS bill is brought to; a staging model per landed stream calls the one of its
    format. `is_text`: whether the stream holds what a CSV file said, word for word.
#}
{% macro aws_cur2_rows(stream, is_text=false) -%}
select
    {{ aws_word('bill_payer_account_id', is_text) }} as payer_account_id,
    {{ aws_word('line_item_usage_account_id', is_text) }} as usage_account_id,
    {{ aws_word('bill_invoice_id', is_text) }} as invoice_id,
    {{ aws_word('line_item_resource_id', is_text) }} as resource_id,
    {{ aws_word('line_item_iam_principal', is_text) }} as iam_principal,
    {{ aws_word('product_sku', is_text) }} as sku_id,
    {{ aws_word('line_item_usage_account_name', is_text) }} as usage_account_name,
    cast(null as varchar) as charge_class,

    bill_billing_entity as billing_entity,
    line_item_line_item_type as line_item_type,
    line_item_product_code as product_code,
    {{ aws_word(aws_map('product', is_text) ~ "['product_name']", is_text) }} as product_name,
    {{ aws_word('line_item_usage_type', is_text) }} as usage_type,
    {{ aws_word('line_item_operation', is_text) }} as operation,
    {{ aws_word('product_region_code', is_text) }} as region_code,
    {{ aws_word('pricing_unit', is_text) }} as pricing_unit,
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
    cast(null as varchar) as sku_id,
    cast(null as varchar) as usage_account_name,
    cast(null as varchar) as charge_class,

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
