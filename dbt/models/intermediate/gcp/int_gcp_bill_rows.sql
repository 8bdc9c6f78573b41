with

export_rows as (
    select * from {{ ref('int_gcp_export_rows') }}
),

skus as (
    select * from {{ ref('int_gcp_skus') }}
),

-- every row's SKU is there once: the join changes no row count
classed as (
    select
        export_rows.*,
        skus.provider_model_name,
        skus.model,
        skus.token_class,
        skus.pricing_category,
        skus.region_scope,
        skus.context_band,
        case
            when export_rows.cost_type = 'tax' then 'Tax'
            when export_rows.cost_type = 'regular' and coalesce(export_rows.adjustment_mode, '') <> 'MANUAL_ADJUSTMENT'
                then 'Usage'
            else 'Adjustment'
        end as charge_category,
        case
            when skus.token_class <> 'other' and export_rows.cost_type = 'regular'
                then cast(export_rows.usage_amount as bigint)
        end as consumed_tokens,
        -- a row that Google marks as an adjustment corrects an invoiced month where its use lies before the invoice's month
        case
            when export_rows.adjustment_mode is not null and export_rows.charge_date < export_rows.billing_month
                then 'Correction'
        end as charge_class
    from export_rows
    inner join skus
        on
            export_rows.service_id is not distinct from skus.service_id
            and export_rows.service_name is not distinct from skus.service_name
            and export_rows.sku_id is not distinct from skus.sku_id
            and export_rows.sku is not distinct from skus.sku
)

select * from classed
