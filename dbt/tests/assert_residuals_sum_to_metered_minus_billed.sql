-- every residual is metered minus billed, its classes sum to it, and the billed side holds every billed token's dollars
with

residuals as (
    select
        reconciliation_id,
        sum(residual_usd) as residual_usd
    from {{ ref('fct_residual') }}
    group by reconciliation_id
),

rows_ as (
    select
        reconciliation.reconciliation_id,
        reconciliation.residual_usd as stated_usd,
        coalesce(reconciliation.metered_cost_usd, 0) - coalesce(reconciliation.billed_cost_usd, 0) as difference_usd,
        coalesce(residuals.residual_usd, 0) as classified_usd
    from {{ ref('fct_reconciliation') }} as reconciliation
    left join residuals on reconciliation.reconciliation_id = residuals.reconciliation_id
    where reconciliation.residual_usd is not null
),

reconciled_totals as (
    select
        provider,
        billing_account_id,
        usage_date,
        {{ known_sum('billed_cost_usd') }} as billed_cost_usd
    from {{ ref('fct_reconciliation') }}
    where cost_status <> 'estimate'
    group by provider, billing_account_id, usage_date
),

charged_totals as (
    select
        provider,
        billing_account_id,
        charge_date,
        {{ known_sum('billed_cost_usd') }} as billed_cost_usd
    from {{ ref('int_charges_scoped') }}
    where is_in_scope and token_class <> 'other'
    group by provider, billing_account_id, charge_date
)

select
    reconciliation_id as place,
    stated_usd,
    classified_usd
from rows_
where stated_usd <> difference_usd or stated_usd <> classified_usd
union all
select
    concat_ws('|', charged_totals.provider, charged_totals.billing_account_id, charged_totals.charge_date) as place,
    reconciled_totals.billed_cost_usd as stated_usd,
    charged_totals.billed_cost_usd as classified_usd
from charged_totals
full outer join reconciled_totals
    on
        charged_totals.provider = reconciled_totals.provider
        and charged_totals.billing_account_id = reconciled_totals.billing_account_id
        and charged_totals.charge_date = reconciled_totals.usage_date
where charged_totals.billed_cost_usd is distinct from reconciled_totals.billed_cost_usd
