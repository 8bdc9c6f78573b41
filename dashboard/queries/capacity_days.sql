-- one row per capacity and day: mean use of its hours beside its break-even, and where the dollars went
select
    capacity_id,
    hour_start::date as usage_date,
    avg(utilization_ratio) as utilization_ratio,
    max(utilization_ratio) as peak_ratio,
    avg(break_even_ratio) as break_even_ratio,
    sum(used_cost_usd) as used_cost_usd,
    sum(idle_cost_usd) as idle_cost_usd,
    sum(spill_cost_usd) as spill_cost_usd
from fct_capacity_hourly
where
    hour_start >= $start_day
    and hour_start < $end_day
    and ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
group by capacity_id, usage_date
order by capacity_id, usage_date
