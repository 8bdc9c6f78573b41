-- what was used and is not billed yet, at the contract price; never part of a total of charges
select
    charge_date,
    provider,
    coalesce(team, 'unallocated') as team,
    case
        when $in_reporting and $basis = 'list' then null
        when $in_reporting then effective_cost_reporting
        when $basis = 'list' then list_cost
        else effective_cost_usd
    end as cost
from fct_spend_daily
where
    cost_status = 'estimate'
    and ($in_usd or $in_reporting or billing_currency = $currency)
    and ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
    and ($teams::varchar[] is null or list_contains($teams::varchar[], coalesce(team, 'unallocated')))
    and (
        $environments::varchar[] is null
        or list_contains($environments::varchar[], coalesce(environment, 'unknown'))
    )
    and ($charge_categories::varchar[] is null or list_contains($charge_categories::varchar[], charge_category))
