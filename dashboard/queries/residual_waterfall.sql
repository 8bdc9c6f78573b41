-- from metered to billed cost, one row per step in the order in which the reasons are taken; money in USD
with reconciled as (
    select
        reconciliation_id,
        metered_cost_usd,
        billed_cost_usd
    from fct_reconciliation
    where
        usage_date >= $start_day
        and usage_date < $end_day
        and residual_usd is not null
        and ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
),

totals as (
    select
        coalesce(sum(metered_cost_usd), 0) as metered,
        coalesce(sum(billed_cost_usd), 0) as billed
    from reconciled
    having count(*) > 0
),

classes as (
    select
        residuals.residual_class,
        sum(residuals.residual_usd) as residual_usd,
        list_position(
            [
                'late_data', 'unmapped', 'cache_class', 'unit', 'time_zone', 'outside_profile', 'unmetered', 'service_tier',
                'context_band', 'rounding', 'price_date', 'discount', 'unknown'
            ],
            residuals.residual_class
        ) as place
    from fct_residual as residuals
    inner join reconciled on residuals.reconciliation_id = reconciled.reconciliation_id
    group by residuals.residual_class
),

steps as (
    select
        'metered' as step,
        'total' as kind,
        metered as amount,
        0::decimal(38, 12) as opens,
        metered as closes,
        0 as place
    from totals
    union all
    select
        classes.residual_class as step,
        case when classes.residual_usd >= 0 then 'lower' else 'higher' end as kind,
        -classes.residual_usd as amount,
        totals.metered
        - coalesce(sum(classes.residual_usd) over (order by classes.place rows between unbounded preceding and 1 preceding), 0)
            as opens,
        totals.metered - sum(classes.residual_usd) over (order by classes.place rows unbounded preceding) as closes,
        classes.place
    from classes
    cross join totals
    union all
    select
        'billed' as step,
        'total' as kind,
        billed as amount,
        0 as opens,
        billed as closes,
        99 as place
    from totals
)

select
    step,
    kind,
    amount,
    opens,
    closes
from steps
order by place
