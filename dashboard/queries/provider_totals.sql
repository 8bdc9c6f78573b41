-- the bill as it landed beside what the marts hold: the difference has to be nothing
select
    billing_month,
    provider,
    billing_account_id,
    billing_currency,
    landed_cost,
    mart_cost,
    out_of_scope_cost,
    difference,
    provider_cost,
    landed_cost - provider_cost as off_provider_cost,
    invoice_cost
from fct_provider_totals
where $providers::varchar[] is null or list_contains($providers::varchar[], provider)
order by billing_month desc, provider asc, billing_account_id asc, billing_currency asc
