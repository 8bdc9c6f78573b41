-- one row per team: how much of its spend is invoiced, how much may still move, and what is used but not billed yet
with billed as (
    select
        team,
        sum(cost) filter (where cost_status = 'final') as final_cost,
        sum(cost) filter (where cost_status = 'provisional') as provisional_cost
    from charges
    where charge_date >= $start_day and charge_date < $end_day
    group by team
),

estimated as (
    select
        team,
        sum(cost) as estimated_cost,
        count(*) filter (where cost is null) as unpriced_rows,
        min(charge_date) as first_day,
        max(charge_date) as last_day
    from estimates
    where charge_date >= $start_day and charge_date < $chart_end
    group by team
)

select
    coalesce(billed.team, estimated.team) as team,
    billed.final_cost,
    billed.provisional_cost,
    estimated.estimated_cost,
    coalesce(estimated.unpriced_rows, 0) as unpriced_rows,
    estimated.first_day,
    estimated.last_day
from billed
full outer join estimated on billed.team = estimated.team
order by coalesce(billed.final_cost, 0) + coalesce(billed.provisional_cost, 0) desc, team asc
