-- how much was compared, what is left of it, and how much of that nobody explains
with reconciled as (
    select
        reconciliation_id,
        metered_cost_usd,
        billed_cost_usd,
        residual_usd
    from fct_reconciliation
    where
        usage_date >= $start_day
        and usage_date < $end_day
        and ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
),

unknown_parts as (
    select sum(abs(residuals.residual_usd)) as unknown_usd
    from fct_residual as residuals
    inner join reconciled on residuals.reconciliation_id = reconciled.reconciliation_id
    where residuals.residual_class = 'unknown'
)

select
    count(*) as rows_count,
    sum(reconciled.metered_cost_usd) filter (where reconciled.residual_usd is not null) as metered_usd,
    sum(reconciled.billed_cost_usd) filter (where reconciled.residual_usd is not null) as billed_usd,
    sum(reconciled.residual_usd) as residual_usd,
    count(*) filter (where reconciled.residual_usd is null) as unconverted_rows,
    coalesce(max(unknown_parts.unknown_usd), 0) as unknown_usd,
    coalesce(max(unknown_parts.unknown_usd), 0) / nullif(sum(reconciled.billed_cost_usd), 0) as unknown_ratio
from reconciled
cross join unknown_parts
