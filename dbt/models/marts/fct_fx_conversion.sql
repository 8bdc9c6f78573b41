-- charges in other currencies than USD, by whose rate turned them into USD
with

charges as (
    select * from {{ ref('int_charges_scoped') }}
    where billing_currency <> 'USD'
),

conversions as (
    select
        billing_month,
        provider,
        billing_account_id,
        billing_currency,
        fx_source,
        count(*) as charges,
        cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
        {{ known_sum('billed_cost_usd') }} as billed_cost_usd,
        min(usd_per_currency) as lowest_usd_per_currency,
        max(usd_per_currency) as highest_usd_per_currency
    from charges
    group by billing_month, provider, billing_account_id, billing_currency, fx_source
)

select * from conversions
