with

landed as (
    select * from {{ ref('int_landed_totals') }}
),

spend as (
    select * from {{ ref('fct_spend_daily') }}
    where cost_status <> 'estimate'
),

charges as (
    select * from {{ ref('int_charges_scoped') }}
    where not is_in_scope
),

mart_totals as (
    select
        provider,
        billing_account_id,
        billing_month,
        billing_currency,
        sum(billed_cost) as mart_cost
    from spend
    group by provider, billing_account_id, billing_month, billing_currency
),

out_of_scope_totals as (
    select
        provider,
        billing_account_id,
        billing_month,
        billing_currency,
        sum(billed_cost) as out_of_scope_cost
    from charges
    group by provider, billing_account_id, billing_month, billing_currency
),

-- the three sides stacked, not joined, so that a bill missing from one of them still shows
stacked as (
    select
        provider,
        billing_account_id,
        billing_month,
        billing_currency,
        landed_cost,
        cast(0 as decimal(38, 12)) as mart_cost,
        cast(0 as decimal(38, 12)) as out_of_scope_cost,
        provider_cost,
        invoice_cost
    from landed
    union all
    select
        provider,
        billing_account_id,
        billing_month,
        billing_currency,
        0 as landed_cost,
        mart_cost,
        0 as out_of_scope_cost,
        null as provider_cost,
        null as invoice_cost
    from mart_totals
    union all
    select
        provider,
        billing_account_id,
        billing_month,
        billing_currency,
        0 as landed_cost,
        0 as mart_cost,
        out_of_scope_cost,
        null as provider_cost,
        null as invoice_cost
    from out_of_scope_totals
),

totals as (
    select
        provider,
        billing_account_id,
        billing_month,
        billing_currency,
        cast(sum(landed_cost) as decimal(38, 12)) as landed_cost,
        cast(sum(mart_cost) as decimal(38, 12)) as mart_cost,
        cast(sum(out_of_scope_cost) as decimal(38, 12)) as out_of_scope_cost,
        cast(sum(provider_cost) as decimal(38, 12)) as provider_cost,
        cast(sum(invoice_cost) as decimal(38, 12)) as invoice_cost,
        cast(
            sum(landed_cost) - sum(mart_cost) - sum(out_of_scope_cost) as decimal(38, 12)
        ) as difference
    from stacked
    group by provider, billing_account_id, billing_month, billing_currency
)

select * from totals
