-- what the bill charged for a million tokens beside contract and list, months that touch the period, largest gap first
select
    provider,
    model,
    token_class,
    concat_ws(
        ', ', coalesce(region_class, 'region unknown'), coalesce(service_tier, 'tier unknown'),
        case when context_band = 'long' then 'long context' end
    ) as sold_as,
    billing_month,
    tokens,
    billed_usd_per_mtok,
    contract_usd_per_mtok,
    list_usd_per_mtok,
    difference_usd
from fct_effective_price
where
    ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
    and billing_month < $end_day
    and billing_month >= date_trunc('month', $start_day::date)
    and (not $only_differing or difference_usd is null or abs(difference_usd) >= 0.01)
order by abs(difference_usd) desc nulls last, provider asc, model asc, token_class asc, billing_month asc
