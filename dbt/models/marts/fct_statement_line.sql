{% set columns %}
    billing_month, provider, billing_account_id, team, product, model, charge_category, pricing_category,
    attribution_method, attribution_evidence, attribution_confidence, split_from_team, split_path, cost_status, billing_currency,
    billed_cost, effective_cost, list_cost, consumed_tokens
{% endset %}

with

drafts as (
    select
        'draft' as statement_status,
        {{ columns }}
    from {{ ref('int_statement_lines') }}
),

closed as (
    select
        'closed' as statement_status,
        {{ columns }}
    from {{ ref('stg_closed__statement_lines') }}
),

-- a closed month has both: what was frozen, and what the same lines are now
lines as (
    select * from drafts
    union all
    select * from closed
)

select * from lines
