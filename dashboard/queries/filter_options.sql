-- what the filters offer, with the days that hold charges
select
    provider,
    coalesce(team, 'unallocated') as team,
    coalesce(environment, 'unknown') as environment,
    charge_category,
    billing_currency,
    reporting_currency,
    min(charge_date) as first_day,
    max(charge_date) as last_day
from fct_spend_daily
where cost_status <> 'estimate'
group by all
