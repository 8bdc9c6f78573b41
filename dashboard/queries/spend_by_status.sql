-- how much of the period's spend is invoiced, how much may still move, and what is used but not billed yet
with billed as (
    select
        case
            when count(*) filter (where cost_status = 'final') = 0 then 0
            else sum(cost) filter (where cost_status = 'final')
        end as final_cost,
        case
            when count(*) filter (where cost_status = 'provisional') = 0 then 0
            else sum(cost) filter (where cost_status = 'provisional')
        end as provisional_cost
    from charges
    where charge_date >= $start_day and charge_date < $end_day
),

estimated as (
    select
        sum(cost) as estimated_cost,
        count(*) filter (where cost is null) as unpriced_rows,
        min(charge_date) as first_day,
        max(charge_date) as last_day
    from estimates
    where charge_date >= $start_day and charge_date < $chart_end
)

select
    billed.final_cost,
    billed.provisional_cost,
    estimated.estimated_cost,
    estimated.unpriced_rows,
    estimated.first_day,
    estimated.last_day
from billed
cross join estimated
