-- which spelling of a tag key decided how many dollars; keys that nobody declared and that look like one come first
select
    canonical,
    tag_key,
    provider,
    is_declared,
    sum(billed_cost_usd) as cost,
    sum(unallocated_cost_usd) as unallocated_cost
from fct_tag_key_usage
where
    charge_month >= date_trunc('month', $start_day) and charge_month < $end_day
    and ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
group by canonical, tag_key, provider, is_declared
order by is_declared asc, canonical asc, cost desc nulls last, tag_key asc
