with

list_prices as (
    select * from {{ ref('stg_prices__list_prices') }}
),

negotiated as (
    select * from {{ ref('stg_prices__negotiated_prices') }}
),

discounts as (
    select * from {{ ref('stg_prices__discounts') }}
),

priced as (
    select
        *,
        {{ price_key() }} as price_key
    from list_prices
    union all
    select
        *,
        {{ price_key() }} as price_key
    from negotiated
),

price_keys as (
    select
        price_key,
        provider,
        model,
        region_class,
        token_class,
        service_tier,
        context_band
    from priced
    group by price_key, provider, model, region_class, token_class, service_tier, context_band
),

-- one row per price key and discount that speaks of its model
discounted as (
    select
        price_keys.price_key,
        discounts.discount_id,
        discounts.discount_pct,
        discounts.valid_from,
        discounts.valid_to
    from price_keys
    inner join discounts
        on
            price_keys.provider = discounts.provider
            and {{ matches_pattern('price_keys.model', 'discounts.model_pattern') }}
),

dated as (
    select
        price_key,
        valid_from,
        valid_to
    from priced
    union all
    select
        price_key,
        valid_from,
        valid_to
    from discounted
),

-- every day on which something about a price starts or ends
edges as (
    select
        price_key,
        valid_from as edge_date
    from dated
    union
    select
        price_key,
        valid_to as edge_date
    from dated
    where valid_to is not null
),

segments as (
    select
        price_key,
        edge_date as valid_from,
        lead(edge_date) over (partition by price_key order by edge_date) as valid_to
    from edges
),

-- of several discounts that hold on one day the largest counts
best_discounts as (
    select
        segments.price_key,
        segments.valid_from,
        {{ of_largest('discounted.discount_id', 'discounted.discount_pct') }} as discount_id,
        max(discounted.discount_pct) as discount_pct
    from segments
    inner join discounted
        on segments.price_key = discounted.price_key and {{ holds_on('discounted', 'segments.valid_from') }}
    group by segments.price_key, segments.valid_from
),

-- at most one best discount per segment: the join changes no row count
discounted_segments as (
    select
        segments.price_key,
        price_keys.* exclude (price_key),
        segments.valid_from,
        segments.valid_to,
        best_discounts.discount_id,
        best_discounts.discount_pct
    from segments
    inner join price_keys on segments.price_key = price_keys.price_key
    left join best_discounts
        on segments.price_key = best_discounts.price_key and segments.valid_from = best_discounts.valid_from
)

select * from discounted_segments
