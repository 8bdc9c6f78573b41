-- the rows behind a reason, largest first, each with the numbers that prove it
select
    residuals.usage_date,
    residuals.provider,
    residuals.billing_account_id,
    residuals.workload_id,
    residuals.model,
    residuals.token_class,
    residuals.residual_class,
    residuals.residual_usd,
    reconciled.metered_tokens,
    reconciled.billed_tokens,
    reconciled.metered_cost_usd,
    reconciled.billed_cost_usd,
    residuals.evidence
from fct_residual as residuals
inner join fct_reconciliation as reconciled on residuals.reconciliation_id = reconciled.reconciliation_id
where
    residuals.usage_date >= $start_day
    and residuals.usage_date < $end_day
    and ($residual_class::varchar is null or residuals.residual_class = $residual_class::varchar)
    and ($residual_provider::varchar is null or residuals.provider = $residual_provider::varchar)
    and ($providers::varchar[] is null or list_contains($providers::varchar[], residuals.provider))
order by abs(residuals.residual_usd) desc, residuals.reconciliation_id asc
limit 500
