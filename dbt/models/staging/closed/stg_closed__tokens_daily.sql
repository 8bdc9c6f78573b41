select
    closed_month as billing_month,
    usage_date,
    provider,
    billing_account_id,
    sub_account_id,
    workload_id,
    team,
    model,
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cache_write_tokens,
    estimated_cost_usd,
    contract_cost_usd
from {{ source('closed', 'tokens_daily') }}
