-- all capacities of the period together
select
    sum(capacity_cost_usd) as capacity_cost_usd,
    sum(used_cost_usd) as used_cost_usd,
    sum(idle_cost_usd) as idle_cost_usd,
    sum(idle_cost_usd)
    / nullif(sum(capacity_cost_usd) filter (where idle_cost_usd is not null), 0) as idle_ratio,
    sum(capacity_cost_usd) filter (where idle_cost_usd is null) as unmeasured_cost_usd,
    sum(spill_cost_usd) as spill_cost_usd,
    count(distinct capacity_id) as capacities
from fct_capacity_hourly
where
    hour_start >= $start_day
    and hour_start < $end_day
    and ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
