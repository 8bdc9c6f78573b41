with

priced as (
    select * from {{ ref('int_usage_priced') }}
),

capacity as (
    select * from {{ ref('int_capacity_hourly') }}
),

capacity_days as (
    select
        provider,
        workload_id,
        model,
        cast(hour_start as date) as usage_date
    from capacity
    group by provider, workload_id, model, cast(hour_start as date)
),

-- counts stand on each of a usage row's four class rows, so they are taken from the input row alone
tokens as (
    select
        usage_date,
        provider,
        billing_account_id,
        sub_account_id,
        workload_id,
        team,
        product,
        environment,
        model,
        attribution_method,
        input_is_total,
        cast(sum(tokens) filter (where token_class = 'input') as bigint) as input_tokens,
        cast(sum(tokens) filter (where token_class = 'output') as bigint) as output_tokens,
        cast(sum(tokens) filter (where token_class = 'cache_read') as bigint) as cache_read_tokens,
        cast(sum(tokens) filter (where token_class = 'cache_write_5m') as bigint) as cache_write_tokens,
        cast(sum(request_count) filter (where token_class = 'input') as bigint) as request_count,
        cast(sum(throttled_count) filter (where token_class = 'input') as bigint) as throttled_count,
        cast(sum(error_count) filter (where token_class = 'input') as bigint) as error_count,
        cast(sum(tokens) filter (where list_cost_usd is not null) as bigint) as known_price_tokens,
        cast(sum(tokens) filter (where list_cost_usd is null) as bigint) as unknown_price_tokens,
        sum(list_cost_usd) as list_cost_usd,
        cast(sum(tokens) filter (where contract_cost_usd is null) as bigint) as unknown_contract_tokens,
        sum(contract_cost_usd) as contract_cost_usd
    from priced
    group by
        usage_date, provider, billing_account_id, sub_account_id, workload_id, team, product, environment,
        model, attribution_method, input_is_total
),

estimated as (
    select
        tokens.usage_date,
        tokens.provider,
        tokens.billing_account_id,
        tokens.sub_account_id,
        tokens.workload_id,
        tokens.team,
        tokens.product,
        tokens.environment,
        tokens.model,
        tokens.attribution_method,
        tokens.input_tokens,
        tokens.output_tokens,
        tokens.cache_read_tokens,
        tokens.cache_write_tokens,
        tokens.request_count,
        tokens.throttled_count,
        tokens.error_count,
        coalesce(tokens.known_price_tokens, 0) as priced_tokens,
        coalesce(tokens.unknown_price_tokens, 0) as unpriced_tokens,
        case
            when coalesce(tokens.unknown_price_tokens, 0) = 0 then cast(tokens.list_cost_usd as decimal(38, 12))
        end as estimated_cost_usd,
        case
            when coalesce(tokens.unknown_contract_tokens, 0) = 0 then cast(tokens.contract_cost_usd as decimal(38, 12))
        end as contract_cost_usd,
        tokens.input_is_total,
        capacity_days.workload_id is not null as is_on_capacity
    from tokens
    left join capacity_days
        on
            tokens.provider = capacity_days.provider
            and tokens.workload_id = capacity_days.workload_id
            and tokens.model = capacity_days.model
            and tokens.usage_date = capacity_days.usage_date
)

select * from estimated
