with

export_rows as (
    select * from {{ source('gcp_billing', 'export_rows') }}
    where len(credits) > 0
),

-- one row per credit: credits are rows of their own, never added to the cost of the row that carries them
unnested as (
    select
        * exclude (credits),
        unnest(credits) as credit
    from export_rows
),

cast_credits as (
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
        {{ label_map('labels') }} as request_labels,
        {{ label_map("project['labels']") }} as project_labels,
        coalesce(export_kind, 'detailed') as export_kind,
        coalesce(read_from, 'table') as read_from,
        credit['type'] as credit_type,
        credit['full_name'] as credit_name,
        currency as billing_currency,
        {{ inverse_rate('currency_conversion_rate') }} as usd_per_currency,
        {{ to_money("credit['amount']") }} as amount,
        cast(strptime(invoice['month'] || '01', '%Y%m%d') as date) as billing_month,
        cast(cast(usage_start_time as timestamp) as date) as charge_date
    from unnested
)

select * from cast_credits
