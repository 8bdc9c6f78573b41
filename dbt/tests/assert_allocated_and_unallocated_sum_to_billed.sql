-- attribution neither loses nor doubles a charge, and unallocated money carries no team's name
with

spend as (
    select
        provider,
        billing_month,
        billing_currency,
        sum(billed_cost) filter (where attribution_method <> 'unallocated') as allocated_cost,
        sum(billed_cost) filter (where attribution_method = 'unallocated') as unallocated_cost,
        count(*) filter (where (team = 'unallocated') <> (attribution_method = 'unallocated')) as misnamed_count
    from {{ ref('fct_spend_daily') }}
    where cost_status <> 'estimate'
    group by provider, billing_month, billing_currency
),

billed as (
    select
        provider,
        billing_month,
        billing_currency,
        sum(billed_cost) as billed_cost
    from {{ ref('int_charges_scoped') }}
    where is_in_scope
    group by provider, billing_month, billing_currency
)

select *
from billed
full outer join spend
    on
        billed.provider = spend.provider
        and billed.billing_month = spend.billing_month
        and billed.billing_currency = spend.billing_currency
where
    billed.billed_cost is distinct from coalesce(spend.allocated_cost, 0) + coalesce(spend.unallocated_cost, 0)
    or spend.misnamed_count > 0
