with

credits as (
    select * from {{ ref('int_gcp_export_credits') }}
),

skus as (
    select * from {{ ref('int_gcp_skus') }}
),

-- every credit's SKU is there once: the join changes no row count
classed as (
    select
        credits.*,
        skus.provider_model_name,
        skus.model,
        skus.token_class,
        skus.pricing_category,
        skus.region_scope,
        skus.context_band,
        'Credit' as charge_category,
        cast(null as varchar) as charge_class,
        cast(null as varchar) as pricing_unit
    from credits
    inner join skus
        on
            credits.service_id is not distinct from skus.service_id
            and credits.service_name is not distinct from skus.service_name
            and credits.sku_id is not distinct from skus.sku_id
            and credits.sku is not distinct from skus.sku
)

select * from classed
