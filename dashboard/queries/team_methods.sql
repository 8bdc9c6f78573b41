-- one row per team and attribution method: how each cent was assigned
select
    team,
    attribution_method,
    sum(cost) as cost,
    sum(cost) / nullif(sum(sum(cost)) over (partition by team), 0) as share_ratio
from charges
where charge_date >= $start_day and charge_date < $end_day
group by team, attribution_method
order by team asc, cost desc nulls last
