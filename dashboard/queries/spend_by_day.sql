-- one row per day and provider, the days after the complete ones marked
select
    charges.charge_date,
    charges.provider,
    coalesce(charges.charge_date <= completeness.complete_through, false) as is_complete,
    sum(charges.cost) as cost
from charges
left join completeness on charges.provider = completeness.provider
where charges.charge_date >= $start_day and charges.charge_date < $chart_end
group by all
order by charge_date, provider
