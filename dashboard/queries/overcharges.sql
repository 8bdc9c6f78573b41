-- what a provider charged more than the contract says, row by row
select
    usage_date,
    provider,
    overcharge_kind,
    billing_account_id,
    workload_id,
    model,
    token_class,
    service_tier,
    tokens,
    due_usd_per_mtok,
    charged_usd_per_mtok,
    overcharge_usd,
    arithmetic
from fct_overcharge
where
    usage_date >= $start_day
    and usage_date < $end_day
    and ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
order by overcharge_usd desc, overcharge_id asc
