{{ config(
    materialized='incremental',
    meta={
        'part': 'usage_date',
        'built_from': {
            'fct_reconciliation': 'usage_date', 'int_residual_terms': 'covered',
            'int_residual_gaps': 'usage_date', 'int_billed_tokens': 'usage_date',
            'int_billed_price_gaps': 'usage_date',
        },
    },
    **by_part()
) }}

-- what int_residual_terms is a view of
-- depends_on: {{ ref('int_residual_gaps') }}
-- depends_on: {{ ref('int_billed_tokens') }}
-- depends_on: {{ ref('int_billed_price_gaps') }}

with

reconciliation as (
    select * from {{ ref('fct_reconciliation') }}
    where {{ is_changed_part('usage_date') }}
),

terms as (
    select * from {{ ref('int_residual_terms') }}
    where {{ is_changed_part('usage_date') }}
),

summed as (
    select
        reconciliation_id,
        residual_class,
        cast(sum(residual_usd) as decimal(38, 12)) as residual_usd,
        cast(sum(tokens) as bigint) as tokens,
        string_agg(distinct evidence, '; ' order by evidence) as evidence
    from terms
    group by reconciliation_id, residual_class
),

-- every term is of one row of fct_reconciliation: the join changes no row count
residuals as (
    select
        summed.reconciliation_id,
        reconciliation.provider,
        reconciliation.billing_account_id,
        reconciliation.usage_date,
        reconciliation.workload_id,
        reconciliation.model,
        reconciliation.token_class,
        summed.residual_class,
        summed.residual_usd,
        summed.tokens,
        summed.evidence
    from summed
    inner join reconciliation on summed.reconciliation_id = reconciliation.reconciliation_id
    where summed.residual_usd <> 0
)

select * from residuals
