with

capacity as (
    select * from {{ ref('int_capacity_hourly') }}
),

prices as (
    select * from {{ ref('dim_price') }}
    where
        service_tier = 'standard'
        and context_band = 'default'
        and token_class in ('input', 'cache_read', 'output')
),

capacity_models as (
    select
        provider,
        model,
        price_scope,
        cast(hour_start as date) as usage_date
    from capacity
    group by provider, model, price_scope, cast(hour_start as date)
),

-- one row per model, scope and day that has a capacity: its three list prices side by side
price_triples as (
    select
        capacity_models.provider,
        capacity_models.model,
        capacity_models.price_scope,
        capacity_models.usage_date,
        max(prices.usd_per_mtok) filter (where prices.token_class = 'input') as input_price,
        max(prices.usd_per_mtok) filter (where prices.token_class = 'cache_read') as cached_price,
        max(prices.usd_per_mtok) filter (where prices.token_class = 'output') as output_price
    from capacity_models
    inner join prices
        on
            capacity_models.provider = prices.provider
            and capacity_models.model = prices.model
            and case capacity_models.price_scope when 'data_zone' then 'geo' else capacity_models.price_scope end
            = prices.region_class
            and capacity_models.usage_date >= prices.valid_from
            and (prices.valid_to is null or capacity_models.usage_date < prices.valid_to)
    group by
        capacity_models.provider, capacity_models.model, capacity_models.price_scope, capacity_models.usage_date
),

-- at most one triple per hour: the join changes no row count
priced as (
    select
        capacity.*,
        {{ money_mul('capacity.capacity_cost_usd', 'capacity.utilization_ratio') }} as used_cost_usd,
        cast(
            {{ class_cost('capacity.input_tokens', 'price_triples.input_price') }}
            + {{ class_cost('capacity.cached_tokens', 'price_triples.cached_price') }}
            + {{ class_cost('capacity.output_tokens', 'price_triples.output_price') }}
            as decimal(38, 12)
        ) as on_demand_equivalent_usd,
        cast(
            {{ class_cost('capacity.spill_input_tokens', 'price_triples.input_price') }}
            + {{ class_cost('capacity.spill_cached_tokens', 'price_triples.cached_price') }}
            + {{ class_cost('capacity.spill_output_tokens', 'price_triples.output_price') }}
            as decimal(38, 12)
        ) as spill_cost_usd
    from capacity
    left join price_triples
        on
            capacity.provider = price_triples.provider
            and capacity.model = price_triples.model
            and capacity.price_scope = price_triples.price_scope
            and cast(capacity.hour_start as date) = price_triples.usage_date
)

select * from priced
