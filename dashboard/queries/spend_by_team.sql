-- one row per team: the period, its share and the period before; no charges is zero, charges without this cost are null
with spent as (
    select
        team,
        case
            when count(*) filter (where charge_date >= $start_day) = 0 then 0
            else sum(cost) filter (where charge_date >= $start_day)
        end as cost,
        case
            when count(*) filter (where charge_date < $start_day) = 0 then 0
            else sum(cost) filter (where charge_date < $start_day)
        end as cost_before
    from charges
    where
        (charge_date >= $start_day and charge_date < $end_day)
        or (charge_date >= $before_start and charge_date < $before_end)
    group by team
)

select
    team,
    cost,
    cost / nullif(sum(cost) over (), 0) as share_ratio,
    cost_before,
    cost - cost_before as cost_change
from spent
order by cost desc nulls last, team asc
