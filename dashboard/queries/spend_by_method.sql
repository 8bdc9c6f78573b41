-- one row per attribution method
select
    attribution_method,
    sum(cost) as cost,
    sum(cost) / nullif(sum(sum(cost)) over (), 0) as share_ratio
from charges
where charge_date >= $start_day and charge_date < $end_day
group by attribution_method
order by cost desc nulls last, attribution_method asc
