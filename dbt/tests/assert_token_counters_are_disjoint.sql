-- a total never stands beside the cached part it already holds, no counter is negative, and other charges count no tokens
select
    provider,
    usage_date as on_date,
    workload_id
from {{ ref('fct_tokens_daily') }}
where
    (input_is_total and cache_read_tokens is not null)
    or least(input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, request_count, throttled_count, error_count)
    < 0
union all
select
    provider,
    charge_date as on_date,
    workload_id
from {{ ref('fct_spend_daily') }}
where token_class = 'other' and consumed_tokens is not null
