-- the hours of one capacity
select
    hour_start,
    utilization_ratio,
    break_even_ratio,
    units,
    capacity_cost_usd,
    idle_cost_usd,
    spill_cost_usd
from fct_capacity_hourly
where capacity_id = $capacity_id and hour_start >= $start_day and hour_start < $end_day
order by hour_start
