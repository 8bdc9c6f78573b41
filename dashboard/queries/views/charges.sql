-- the charges that the filters leave, with one cost in one currency; a cost that is not known stays null
select
    charge_date,
    billing_month,
    provider,
    sub_account_id,
    service_name,
    coalesce(team, 'unallocated') as team,
    product,
    model,
    token_class,
    pricing_category,
    charge_category,
    attribution_method,
    cost_status,
    consumed_tokens,
    case
        when $in_reporting and $basis = 'billed' then billed_cost_reporting
        when $in_reporting and $basis = 'effective' then effective_cost_reporting
        when $in_reporting and billing_currency = reporting_currency then list_cost
        when $in_reporting then null
        when $in_usd and $basis = 'billed' then billed_cost_usd
        when $in_usd and $basis = 'effective' then effective_cost_usd
        when $in_usd and billing_currency = 'USD' then list_cost
        when $in_usd then null
        when $basis = 'billed' then billed_cost
        when $basis = 'effective' then effective_cost
        else list_cost
    end as cost,
    case
        when $in_reporting then billed_cost_reporting
        when $in_usd then billed_cost_usd
        else billed_cost
    end as billed,
    case
        when $in_reporting then effective_cost_reporting
        when $in_usd then effective_cost_usd
        else effective_cost
    end as effective
from fct_spend_daily
where
    -- an estimate is not billed yet: queries/spend_by_status.sql tells it beside the totals
    cost_status <> 'estimate'
    and ($in_usd or $in_reporting or billing_currency = $currency)
    and ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
    and ($teams::varchar[] is null or list_contains($teams::varchar[], coalesce(team, 'unallocated')))
    and (
        $environments::varchar[] is null
        or list_contains($environments::varchar[], coalesce(environment, 'unknown'))
    )
    and ($charge_categories::varchar[] is null or list_contains($charge_categories::varchar[], charge_category))
