-- one row per capacity over the period; used + idle = cost in every hour, so also here
select
    capacity_id,
    provider,
    unit_kind,
    arg_max(model, hour_start) as model,
    arg_max(units, hour_start) as units,
    avg(utilization_ratio) as utilization_ratio,
    arg_max(break_even_ratio, hour_start) filter (where break_even_ratio is not null) as break_even_ratio,
    count(*) filter (where utilization_ratio is null) as unknown_hours,
    count(*) as hours,
    sum(capacity_cost_usd) as capacity_cost_usd,
    sum(used_cost_usd) as used_cost_usd,
    sum(idle_cost_usd) as idle_cost_usd,
    sum(idle_cost_usd)
    / nullif(sum(capacity_cost_usd) filter (where idle_cost_usd is not null), 0) as idle_ratio,
    sum(capacity_cost_usd) filter (where idle_cost_usd is null) as unmeasured_cost_usd,
    sum(on_demand_equivalent_usd) as on_demand_equivalent_usd,
    sum(on_demand_equivalent_usd) - sum(capacity_cost_usd) as saved_usd,
    sum(spill_cost_usd) as spill_cost_usd
from fct_capacity_hourly
where
    hour_start >= $start_day
    and hour_start < $end_day
    and ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
group by capacity_id, provider, unit_kind
order by saved_usd nulls last, capacity_id
