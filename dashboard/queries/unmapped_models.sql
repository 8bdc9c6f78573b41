-- charges that carry no model name: capacity, credits, and names that no mapping knows
select
    provider,
    service_name,
    token_class,
    pricing_category,
    charge_category,
    sum(cost) as cost
from charges
where model is null and charge_date >= $start_day and charge_date < $end_day
group by provider, service_name, token_class, pricing_category, charge_category
order by cost desc nulls last, provider asc, service_name asc
