-- one row per provider: the period, its share and the period before; no charges is zero, charges without this cost are null
with spent as (
    select
        provider,
        case
            when count(*) filter (where charge_date >= $start_day) = 0 then 0
            else sum(cost) filter (where charge_date >= $start_day)
        end as cost,
        case
            when count(*) filter (where charge_date < $start_day) = 0 then 0
            else sum(cost) filter (where charge_date < $start_day)
        end as cost_before
    from charges
    where
        (charge_date >= $start_day and charge_date < $end_day)
        or (charge_date >= $before_start and charge_date < $before_end)
    group by provider
)

select
    provider,
    cost,
    cost / nullif(sum(cost) over (), 0) as share_ratio,
    cost_before,
    cost - cost_before as cost_change
from spent
order by cost desc nulls last, provider asc
