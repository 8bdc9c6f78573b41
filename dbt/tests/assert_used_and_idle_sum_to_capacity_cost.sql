-- in every hour whose use is known; an hour of unknown use has neither part
select *
from {{ ref('fct_capacity_hourly') }}
where
    used_cost_usd + idle_cost_usd <> capacity_cost_usd
    or (used_cost_usd is null) <> (idle_cost_usd is null)
    or (used_cost_usd is null) <> (capacity_cost_usd is null or utilization_ratio is null)
    or utilization_ratio not between 0 and 1
