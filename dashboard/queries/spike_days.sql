-- the daily series a spike was found in, in dollars: six weeks before it until two weeks after
with spike as (
    select
        *,
        started_on - 42 as first_day,
        coalesce(ended_on, started_on) + 14 as last_day
    from fct_spike
    where spike_id = $spike_id
)
select
    days.charge_date,
    coalesce(
        days.charge_date between spike.started_on and coalesce(spike.ended_on, days.charge_date), false
    ) as is_spike,
    sum(days.cost_usd) as cost_usd
from (
    select charge_date, 'billed' as lane, provider, team, product, model, billed_cost_usd as cost_usd
    from fct_spend_daily
    union all
    select usage_date, 'estimate', provider, team, product, model, estimated_cost_usd
    from fct_tokens_daily
) as days
inner join spike on
    days.lane = spike.lane
    and days.charge_date between spike.first_day and spike.last_day
    and (spike.provider is null or days.provider = spike.provider)
    and (spike.model is null or days.model = spike.model)
    and (spike.product is null or days.product = spike.product)
    and coalesce(days.team, 'unallocated') = coalesce(spike.team, 'unallocated')
group by days.charge_date, is_spike
order by days.charge_date
