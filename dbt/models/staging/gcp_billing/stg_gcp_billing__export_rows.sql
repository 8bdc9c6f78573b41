with

export_rows as (
    select * from {{ source('gcp_billing', 'export_rows') }}
),

cast_rows as (
    select
        billing_account_id,
        project['id'] as project_id,
        project['name'] as project_name,
        service['id'] as service_id,
        service['description'] as service_name,
        sku['id'] as sku_id,
        trim(regexp_replace(sku['description'], '\s+', ' ', 'g')) as sku,
        nullif(location['region'], '') as region_id,
        coalesce(resource['global_name'], resource['name'], subscription['instance_id']) as resource_id,
        subscription['instance_id'] as subscription_id,
        {{ label_map('labels') }} as request_labels,
        {{ label_map("project['labels']") }} as project_labels,
        cost_type,
        coalesce(export_kind, 'detailed') as export_kind,
        coalesce(read_from, 'table') as read_from,
        adjustment_info['mode'] as adjustment_mode,
        adjustment_info['type'] as adjustment_type,
        currency as billing_currency,
        usage['unit'] as usage_unit,
        usage['amount'] as usage_amount,
        usage['pricing_unit'] as pricing_unit,
        usage['amount_in_pricing_units'] as pricing_amount,
        {{ inverse_rate('currency_conversion_rate') }} as usd_per_currency,
        {{ to_money('cost') }} as cost,
        {{ to_money('cost_at_list') }} as list_cost,
        cast(strptime(invoice['month'] || '01', '%Y%m%d') as date) as billing_month,
        cast(usage_start_time as timestamp) as usage_start_at,
        cast(usage_end_time as timestamp) as usage_end_at,
        cast(export_time as timestamp) as exported_at,
        cast(cast(usage_start_time as timestamp) as date) as charge_date
    from export_rows
)

select * from cast_rows
