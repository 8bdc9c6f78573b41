-- one row per team and product with its share; unit cost divides only charges that carry tokens, by those tokens
with spent as (
    select
        team,
        product,
        sum(cost) filter (where charge_date >= $start_day) as cost,
        sum(cost) filter (where charge_date < $start_day) as cost_before,
        sum(cost) filter (where charge_date >= $start_day and consumed_tokens is not null) as token_cost,
        sum(consumed_tokens) filter (where charge_date >= $start_day and cost is not null)::bigint as tokens
    from charges
    where
        (charge_date >= $start_day and charge_date < $end_day)
        or (charge_date >= $before_start and charge_date < $before_end)
    group by team, product
    having count(*) filter (where charge_date >= $start_day) > 0
)

select
    team,
    product,
    cost,
    cost / nullif(sum(cost) over (), 0) as share_ratio,
    cost_before,
    cost - coalesce(cost_before, 0) as cost_change,
    tokens,
    (token_cost * 1000000::decimal(8, 0)) / nullif(tokens, 0) as cost_per_mtok
from spent
order by cost desc nulls last, team asc, product asc
