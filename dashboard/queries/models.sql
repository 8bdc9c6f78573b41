-- one row per model: cost from the bill, requests and cache from the meters
with spent as (
    select
        model,
        sum(cost) as cost,
        sum(cost) filter (where consumed_tokens is not null) as token_cost,
        sum(consumed_tokens) filter (where cost is not null)::bigint as billed_tokens
    from charges
    where charge_date >= $start_day and charge_date < $end_day
    group by model
),

metered as (
    select
        model,
        sum(request_count)::bigint as requests,
        sum(input_tokens)::bigint as input_tokens,
        sum(output_tokens)::bigint as output_tokens,
        sum(cache_read_tokens)::bigint as cache_read_tokens,
        sum(cache_write_tokens)::bigint as cache_write_tokens,
        sum(cache_read_tokens) filter (where cache_is_known) as known_reads,
        sum(input_tokens + cache_read_tokens + coalesce(cache_write_tokens, 0))
        filter (where cache_is_known) as known_prompt
    from usage
    where usage_date >= $start_day and usage_date < $end_day
    group by model
)

select
    coalesce(spent.model, metered.model) as model,
    spent.cost,
    (spent.token_cost * 1000000::decimal(8, 0)) / nullif(spent.billed_tokens, 0) as cost_per_mtok,
    spent.billed_tokens,
    metered.requests,
    metered.input_tokens,
    metered.output_tokens,
    metered.cache_read_tokens,
    metered.cache_write_tokens,
    metered.known_reads / nullif(metered.known_prompt, 0) as cache_read_ratio
from spent
full join metered on spent.model is not distinct from metered.model
order by spent.cost desc nulls last, model asc
