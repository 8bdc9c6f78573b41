-- the ten products whose spend moved most against the period before
with spent as (
    select
        team,
        product,
        model,
        coalesce(sum(cost) filter (where charge_date >= $start_day), 0) as cost,
        coalesce(sum(cost) filter (where charge_date < $start_day), 0) as cost_before
    from charges
    where
        cost is not null
        and (
            (charge_date >= $start_day and charge_date < $end_day)
            or (charge_date >= $before_start and charge_date < $before_end)
        )
    group by team, product, model
)

select
    team,
    product,
    model,
    cost,
    cost_before,
    cost - cost_before as cost_change
from spent
where cost <> cost_before
order by abs(cost - cost_before) desc, team, product asc
limit 10
