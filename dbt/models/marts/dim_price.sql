with

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

discounts as (
    select * from {{ ref('stg_prices__discounts') }}
),

priced as (
    select * from list_prices
    union all
    select * from negotiated
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
        max_by(discounted.discount_id, discounted.discount_pct) as discount_id,
        max(discounted.discount_pct) as discount_pct
    from segments
    inner join discounted
        on segments.price_key = discounted.price_key and {{ holds_from('discounted', 'segments') }}
    group by segments.price_key, segments.valid_from
),

-- each join finds at most one row, since intervals of one key do not overlap
valued as (
    select
        segments.price_key,
        segments.valid_from,
        segments.valid_to,
        list_prices.usd_per_mtok,
        negotiated.usd_per_mtok as negotiated_usd_per_mtok,
        best_discounts.discount_id,
        {{ money_mul('list_prices.usd_per_mtok', '(100 - best_discounts.discount_pct) * 0.01') }} as discounted_usd_per_mtok,
        coalesce(list_prices.price_source, negotiated.price_source) as price_source,
        coalesce(list_prices.source_date, negotiated.source_date) as source_date
    from segments
    left join list_prices
        on segments.price_key = list_prices.price_key and {{ holds_from('list_prices', 'segments') }}
    left join negotiated
        on segments.price_key = negotiated.price_key and {{ holds_from('negotiated', 'segments') }}
    left join best_discounts
        on segments.price_key = best_discounts.price_key and segments.valid_from = best_discounts.valid_from
),

prices as (
    select
        concat_ws('|', valued.price_key, valued.valid_from) as price_id,
        price_keys.* exclude (price_key),
        valued.usd_per_mtok,
        coalesce(
            valued.negotiated_usd_per_mtok, valued.discounted_usd_per_mtok, valued.usd_per_mtok
        ) as contract_usd_per_mtok,
        case
            when valued.negotiated_usd_per_mtok is not null then 'negotiated'
            when valued.discount_id is not null then 'discount'
            else 'list'
        end as contract_basis,
        case when valued.negotiated_usd_per_mtok is null then valued.discount_id end as discount_id,
        valued.price_source,
        valued.source_date,
        valued.valid_from,
        valued.valid_to
    from valued
    inner join price_keys on valued.price_key = price_keys.price_key
    where valued.usd_per_mtok is not null or valued.negotiated_usd_per_mtok is not null
)

select * from prices
