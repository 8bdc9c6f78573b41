-- one row per day and team; the day is complete when every provider in the selection is
select
    charges.charge_date,
    charges.team,
    bool_and(coalesce(charges.charge_date <= completeness.complete_through, false)) as is_complete,
    sum(charges.cost) as cost
from charges
left join completeness on charges.provider = completeness.provider
where charges.charge_date >= $start_day and charges.charge_date < $chart_end
group by charges.charge_date, charges.team
order by charges.charge_date, charges.team
