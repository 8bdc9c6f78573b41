with

disagreements as (
    select * from {{ ref('stg_prices__price_disagreements') }}
),

compared as (
    select
        provider,
        model,
        region_class,
        token_class,
        service_tier,
        context_band,
        price_source,
        source_id,
        other_price_source,
        other_source_id,
        usd_per_mtok,
        other_usd_per_mtok,
        other_usd_per_mtok - usd_per_mtok as difference_usd_per_mtok
    from disagreements
)

select * from compared
