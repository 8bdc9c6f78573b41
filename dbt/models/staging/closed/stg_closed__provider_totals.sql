select
    closed_month as billing_month,
    provider,
    billing_account_id,
    billing_currency,
    landed_cost,
    mart_cost,
    out_of_scope_cost
from {{ source('closed', 'provider_totals') }}
