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

unit_prices as (
    select * from {{ ref('stg_prices__capacity_prices') }}
    where tokens_per_minute_per_unit is not null
),

capacity_models as (
    select
        provider,
        unit_kind,
        model,
        price_scope,
        cast(hour_start as date) as usage_date
    from capacity
    group by provider, unit_kind, model, price_scope, cast(hour_start as date)
),

-- one row per kind of unit, model, scope and day: what a unit costs at the cheapest and dearest term on sale
unit_price_bands as (
    select
        capacity_models.provider,
        capacity_models.unit_kind,
        capacity_models.model,
        capacity_models.price_scope,
        capacity_models.usage_date,
        max(unit_prices.tokens_per_minute_per_unit) as tokens_per_minute,
        min(unit_prices.usd_per_unit_hour) as lowest_usd_per_unit_hour,
        max(unit_prices.usd_per_unit_hour) as highest_usd_per_unit_hour
    from capacity_models
    inner join unit_prices
        on
            capacity_models.provider = unit_prices.provider
            and capacity_models.unit_kind = unit_prices.unit_kind
            and capacity_models.model = unit_prices.model
            and capacity_models.price_scope = unit_prices.sku_scope
            and {{ holds_on('unit_prices', 'capacity_models.usage_date') }}
    group by
        capacity_models.provider, capacity_models.unit_kind, capacity_models.model,
        capacity_models.price_scope, capacity_models.usage_date
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
            and {{ holds_on('prices', 'capacity_models.usage_date') }}
    group by
        capacity_models.provider, capacity_models.model, capacity_models.price_scope, capacity_models.usage_date
),

-- at most one triple and one band per hour: the joins change no row count
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
        ) as spill_cost_usd,
        {{ list_break_even(
            'unit_price_bands.lowest_usd_per_unit_hour', 'unit_price_bands.tokens_per_minute', 'price_triples.input_price'
        ) }} as advertised_break_even_low,
        {{ list_break_even(
            'unit_price_bands.highest_usd_per_unit_hour', 'unit_price_bands.tokens_per_minute', 'price_triples.input_price'
        ) }} as advertised_break_even_high
    from capacity
    left join price_triples
        on
            capacity.provider = price_triples.provider
            and capacity.model = price_triples.model
            and capacity.price_scope = price_triples.price_scope
            and cast(capacity.hour_start as date) = price_triples.usage_date
    left join unit_price_bands
        on
            capacity.provider = unit_price_bands.provider
            and capacity.unit_kind = unit_price_bands.unit_kind
            and capacity.model = unit_price_bands.model
            and capacity.price_scope = unit_price_bands.price_scope
            and cast(capacity.hour_start as date) = unit_price_bands.usage_date
)

select * from priced
