-- what no evidence gives to a team, by where it was billed
select
    provider,
    service_name,
    model,
    sum(cost) as cost,
    min(charge_date) as first_day,
    max(charge_date) as last_day
from charges
where team = 'unallocated' and charge_date >= $start_day and charge_date < $end_day
group by provider, service_name, model
order by cost desc nulls last, provider asc, service_name asc
