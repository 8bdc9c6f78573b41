-- an estimate is superseded by the bill of its scope and day, so no day of a scope has both
with

estimates as (
    select * from {{ ref('fct_spend_daily') }}
    where cost_status = 'estimate'
),

billed as (
    select * from {{ ref('fct_spend_daily') }}
    where
        cost_status <> 'estimate'
        and token_class <> 'other'
        and charge_category = 'Usage'
        and charge_date >= (select min(estimates.charge_date) from estimates)
)

select estimates.*
from estimates
semi join billed
    on
        estimates.provider = billed.provider
        and estimates.charge_date = billed.charge_date
        and {{ same_bill_scope('estimates', 'billed') }}
union all
-- and an estimate has no billed cost, whatever else has one
select *
from {{ ref('fct_spend_daily') }}
where (cost_status = 'estimate') <> (billed_cost is null)
