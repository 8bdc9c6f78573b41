select
    bill_payer_account_id as payer_account_id,
    line_item_usage_account_id as usage_account_id,
    nullif(trim(bill_invoice_id), '') as invoice_id,
    nullif(trim(line_item_resource_id), '') as resource_id,

    bill_billing_entity as billing_entity,
    line_item_line_item_type as line_item_type,
    line_item_product_code as product_code,
    nullif(trim(product['product_name']), '') as product_name,
    nullif(trim(line_item_usage_type), '') as usage_type,
    nullif(trim(line_item_operation), '') as operation,
    nullif(trim(product_region_code), '') as region_code,
    nullif(trim(pricing_unit), '') as pricing_unit,
    resource_tags,

    line_item_usage_amount as usage_amount,

    line_item_currency_code as currency_code,
    {{ to_money('line_item_unblended_cost') }} as unblended_cost,
    {{ to_money('line_item_net_unblended_cost') }} as net_unblended_cost,
    {{ to_money('pricing_public_on_demand_cost') }} as public_on_demand_cost,

    cast(bill_billing_period_start_date as date) as billing_month,
    line_item_usage_start_date as usage_start_at,
    line_item_usage_end_date as usage_end_at
from {{ source('aws_cur', 'line_items') }}
