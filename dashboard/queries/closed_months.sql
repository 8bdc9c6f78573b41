-- one row per closed month, provider and account: what it was when it was closed, and how far it has moved since
select
    billing_month,
    provider,
    billing_account_id,
    billing_currency,
    closed_cost,
    current_cost,
    moved_cost,
    closed_by,
    closed_as_of,
    revision,
    reason
from fct_closed_month
where $providers::varchar[] is null or list_contains($providers::varchar[], provider)
order by billing_month desc, provider asc, billing_account_id asc, billing_currency asc
