-- the statements of a month tie to what its bill says is AI spend, as it is now and as it was closed
with

statements as (
    select
        statement_status,
        provider,
        billing_account_id,
        billing_month,
        billing_currency,
        sum(billed_cost) as stated_cost
    from {{ ref('fct_statement_line') }}
    where cost_status <> 'estimate'
    group by statement_status, provider, billing_account_id, billing_month, billing_currency
),

totals as (
    select
        'draft' as statement_status,
        provider,
        billing_account_id,
        billing_month,
        billing_currency,
        mart_cost
    from {{ ref('fct_provider_totals') }}
    union all
    select
        'closed' as statement_status,
        provider,
        billing_account_id,
        billing_month,
        billing_currency,
        mart_cost
    from {{ ref('stg_closed__provider_totals') }}
)

select *
from totals
full outer join statements
    on
        totals.statement_status = statements.statement_status
        and totals.provider = statements.provider
        and totals.billing_account_id = statements.billing_account_id
        and totals.billing_month = statements.billing_month
        and totals.billing_currency = statements.billing_currency
where coalesce(totals.mart_cost, 0) <> coalesce(statements.stated_cost, 0)
