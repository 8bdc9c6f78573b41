-- how much of each provider's spend which evidence gives to a team, and how much none does
select
    provider,
    attribution_method,
    sum(cost) as cost,
    sum(cost) / nullif(sum(sum(cost)) over (partition by provider), 0) as share_ratio
from charges
where charge_date >= $start_day and charge_date < $end_day
group by provider, attribution_method
order by provider asc, cost desc nulls last
