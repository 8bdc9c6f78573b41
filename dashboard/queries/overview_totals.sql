-- spend of the period and of the one before; `unknown_rows` are charges without this cost, which no sum contains
select
    sum(cost) filter (where charge_date >= $start_day) as spend,
    sum(cost) filter (where charge_date < $start_day) as spend_before,
    coalesce(sum(cost) filter (where charge_date >= $start_day and team = 'unallocated'), 0) as unallocated,
    coalesce(sum(cost) filter (where charge_date < $start_day and team = 'unallocated'), 0) as unallocated_before,
    count(*) filter (where charge_date >= $start_day and cost is null) as unknown_rows,
    sum(billed) filter (where charge_date >= $start_day and cost is null) as unknown_billed,
    count(*) filter (where charge_date >= $start_day) as charges
from charges
where
    (charge_date >= $start_day and charge_date < $end_day)
    or (charge_date >= $before_start and charge_date < $before_end)
