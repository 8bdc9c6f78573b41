-- one row per team: what was its own by the rules of each day, and what would be by today's; before decided splits
with owned as (
    select
        team,
        billed_cost_usd as cost_then,
        cast(0 as decimal(38, 12)) as cost_now
    from fct_owned_daily
    where
        charge_date >= $start_day and charge_date < $end_day
        and ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
    union all
    select
        team_now as team,
        cast(0 as decimal(38, 12)) as cost_then,
        billed_cost_usd as cost_now
    from fct_owned_daily
    where
        charge_date >= $start_day and charge_date < $end_day
        and ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
)

select
    team,
    sum(cost_then) as cost_then,
    sum(cost_now) as cost_now,
    sum(cost_now) - sum(cost_then) as moved
from owned
where $teams::varchar[] is null or list_contains($teams::varchar[], team)
group by team
order by cost_then desc nulls last, team asc
