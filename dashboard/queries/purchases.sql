-- commitments bought in the period: one day's bill that covers many
select
    provider,
    min(charge_date) as first_day,
    max(charge_date) as last_day,
    sum(cost) as cost
from charges
where charge_category = 'Purchase' and charge_date >= $start_day and charge_date < $end_day
group by provider
having sum(cost) <> 0
order by provider
