-- every metered token is in the mart once, on one side or the other, and an estimate hides no unpriced token
with

metered as (
    select
        provider,
        usage_date,
        sum(
            coalesce(input_tokens, 0) + coalesce(output_tokens, 0)
            + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
        ) as metered_tokens
    from {{ ref('int_usage_daily') }}
    group by provider, usage_date
),

mart as (
    select
        provider,
        usage_date,
        sum(priced_tokens + unpriced_tokens) as mart_tokens,
        count(*) filter (where unpriced_tokens > 0 and estimated_cost_usd is not null) as hiding_count
    from {{ ref('fct_tokens_daily') }}
    group by provider, usage_date
)

select *
from metered
full outer join mart on metered.provider = mart.provider and metered.usage_date = mart.usage_date
where
    metered.metered_tokens is distinct from mart.mart_tokens
    or mart.hiding_count > 0
