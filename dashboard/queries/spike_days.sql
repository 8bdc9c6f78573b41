-- the daily series a spike was found in, in dollars: six weeks before it until two weeks after
with spike as (
    select
        *,
        started_on - 42 as first_day,
        coalesce(ended_on, started_on + 60) + 14 as last_day
    from fct_spike
    where spike_id = $spike_id
),

days as (
    select
        'billed' as lane,
        charge_date,
        provider,
        sub_account_id,
        team,
        product,
        effective_cost_usd as cost_usd
    from fct_spend_daily
    where charge_category = 'Usage' and cost_status <> 'estimate'
    union all
    select
        'estimate' as lane,
        usage_date,
        provider,
        sub_account_id,
        team,
        product,
        estimated_cost_usd
    from fct_tokens_daily
)

select
    days.charge_date,
    days.charge_date >= spike.started_on
    and (spike.ended_on is null or days.charge_date <= spike.ended_on) as is_spike,
    coalesce(days.charge_date <= completeness.complete_through, false) or spike.lane = 'estimate' as is_complete,
    sum(days.cost_usd) as cost_usd
from days
inner join spike
    on
        days.lane = spike.lane
        and days.charge_date between spike.first_day and spike.last_day
        and days.provider = spike.provider
        and days.product is not distinct from spike.product
        and coalesce(days.team, 'unallocated') = spike.team
        and (spike.sub_account_id is null or days.sub_account_id = spike.sub_account_id)
left join completeness on days.provider = completeness.provider
group by all
order by days.charge_date
