-- the FOCUS export holds the spend that was billed, no cent more or less
with

spend as (
    select
        provider,
        billing_account_id,
        billing_month,
        billing_currency,
        sum(billed_cost) as billed_cost
    from {{ ref('fct_spend_daily') }}
    where cost_status <> 'estimate'
    group by provider, billing_account_id, billing_month, billing_currency
),

focus as (
    select
        "x_Provider" as provider,
        "BillingAccountId" as billing_account_id,
        cast("BillingPeriodStart" as date) as billing_month,
        "BillingCurrency" as billing_currency,
        sum("BilledCost") as billed_cost
    from {{ ref('focus_cost_and_usage') }}
    group by "x_Provider", "BillingAccountId", "BillingPeriodStart", "BillingCurrency"
)

select *
from spend
full outer join focus
    on
        spend.provider = focus.provider
        and spend.billing_account_id = focus.billing_account_id
        and spend.billing_month = focus.billing_month
        and spend.billing_currency = focus.billing_currency
where spend.billed_cost is distinct from focus.billed_cost
