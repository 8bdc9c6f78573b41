with

usage as (
    select * from {{ ref('int_usage_attributed') }}
),

prices as (
    select * from {{ ref('dim_price') }}
    where service_tier = 'standard' and context_band = 'default'
),

token_classes as (
    select unnest(['input', 'output', 'cache_read', 'cache_write_5m']) as token_class
),

-- four rows per usage row, one per token class
classed as (
    select
        usage.*,
        token_classes.token_class,
        case token_classes.token_class
            when 'input' then usage.input_tokens
            when 'output' then usage.output_tokens
            when 'cache_read' then usage.cache_read_tokens
            else usage.cache_write_tokens
        end as tokens
    from usage
    cross join token_classes
),

-- price intervals do not overlap, so a class finds at most one price: the join changes no row count
priced as (
    select
        classed.*,
        case
            when prices.usd_per_mtok is not null then {{ tokens_cost('classed.tokens', 'prices.usd_per_mtok') }}
        end as list_cost_usd,
        case
            when prices.contract_usd_per_mtok is not null
                then {{ tokens_cost('classed.tokens', 'prices.contract_usd_per_mtok') }}
        end as contract_cost_usd
    from classed
    left join prices
        on
            classed.provider = prices.provider
            and classed.model = prices.model
            and classed.region_class = prices.region_class
            and classed.token_class = prices.token_class
            and {{ holds_on('prices', 'classed.usage_date') }}
)

select * from priced
