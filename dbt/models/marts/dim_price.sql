with

segments as (
    select * from {{ ref('int_price_segments') }}
),

list_prices as (
    select
        *,
        {{ price_key() }} as price_key
    from {{ ref('stg_prices__list_prices') }}
),

negotiated as (
    select
        *,
        {{ price_key() }} as price_key
    from {{ ref('stg_prices__negotiated_prices') }}
),

-- each join finds at most one row, since intervals of one key do not overlap
valued as (
    select
        segments.*,
        list_prices.usd_per_mtok,
        negotiated.usd_per_mtok as negotiated_usd_per_mtok,
        {{ money_mul('list_prices.usd_per_mtok', '(100 - segments.discount_pct) * 0.01') }} as discounted_usd_per_mtok,
        coalesce(list_prices.price_source, negotiated.price_source) as price_source,
        case when list_prices.price_key is null then negotiated.source_date else list_prices.source_date end as source_date
    from segments
    left join list_prices
        on segments.price_key = list_prices.price_key and {{ holds_on('list_prices', 'segments.valid_from') }}
    left join negotiated
        on segments.price_key = negotiated.price_key and {{ holds_on('negotiated', 'segments.valid_from') }}
),

prices as (
    select
        concat_ws('|', price_key, valid_from) as price_id,
        provider,
        model,
        region_class,
        token_class,
        service_tier,
        context_band,
        usd_per_mtok,
        coalesce(negotiated_usd_per_mtok, discounted_usd_per_mtok, usd_per_mtok) as contract_usd_per_mtok,
        case
            when negotiated_usd_per_mtok is not null then 'negotiated'
            when discount_id is not null then 'discount'
            else 'list'
        end as contract_basis,
        case when negotiated_usd_per_mtok is null then discount_id end as discount_id,
        price_source,
        source_date,
        valid_from,
        valid_to
    from valued
    -- between two prices, and before the first, no list and no contract says anything
    where usd_per_mtok is not null or negotiated_usd_per_mtok is not null
)

select * from prices
