-- names that no reviewed list of model names knows, with what they cost or count; the three kinds are never added up
select
    provider,
    kind,
    provider_model_name,
    sku,
    billing_month,
    billing_currency,
    billed_cost,
    billed_cost_usd,
    tokens,
    first_day,
    last_day
from fct_unmapped
where
    ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
    and last_day >= $start_day and first_day < $end_day
order by billed_cost_usd desc nulls last, tokens desc nulls last, provider_model_name asc
