{{ config(materialized='view') }}
{% set columns = 'reconciliation_id, usage_date, residual_class, residual_usd, tokens, evidence' %}

with

-- an incomplete day and what has no price stay whole
whole_rows as (
    select
        reconciliation_id,
        usage_date,
        whole_class as residual_class,
        coalesce(metered_cost_usd, 0) - coalesce(billed_cost_usd, 0) as residual_usd,
        coalesce(metered_tokens, 0) - coalesce(billed_tokens, 0) as tokens,
        if(whole_class = 'late_data', 'the bill of this day is not complete', 'no model or no price is known for it') as evidence
    from {{ ref('int_residual_gaps') }}
    where not is_unconverted and whole_class is not null
),

split_rows as (
    select * from {{ ref('int_residual_gaps') }}
    where not is_unconverted and whole_class is null
),

token_terms as (
    select
        reconciliation_id,
        usage_date,
        'cache_class' as residual_class,
        pooled_usd as residual_usd,
        pooled_tokens as tokens,
        'the meter counts ' || abs(pooled_tokens) || ' billed tokens in another class, '
        || {{ price_text('usd_per_mtok') }} as evidence
    from split_rows
    union all
    select
        reconciliation_id,
        usage_date,
        gap_class as residual_class,
        gap_usd as residual_usd,
        gap_tokens as tokens,
        'metered ' || coalesce(metered_tokens, 0) || ' tokens, billed ' || coalesce(billed_tokens, 0)
        || if(pooled_tokens <> 0, ' and ' || pooled_tokens || ' in other classes', '')
        || ', ' || {{ price_text('usd_per_mtok') }} as evidence
    from split_rows
),

-- a row has a bucket per region, tier and context band. Its id holds its day: both are compared, to read few days only
buckets as (
    select billed.*
    from {{ ref('int_billed_tokens') }} as billed
    inner join split_rows
        on billed.usage_date = split_rows.usage_date and billed.reconciliation_id = split_rows.reconciliation_id
),

price_gaps as (
    select price_gaps.*
    from {{ ref('int_billed_price_gaps') }} as price_gaps
    inner join split_rows
        on price_gaps.usage_date = split_rows.usage_date and price_gaps.reconciliation_id = split_rows.reconciliation_id
),

price_terms as (
    select
        reconciliation_id,
        usage_date,
        'service_tier' as residual_class,
        standard_cost_usd - tier_cost_usd as residual_usd,
        billed_tokens as tokens,
        service_tier || ': ' || {{ instead_of_text('billed_tokens', 'tier_usd_per_mtok', 'standard_usd_per_mtok') }} as evidence
    from buckets
    union all
    select
        reconciliation_id,
        usage_date,
        'context_band' as residual_class,
        tier_cost_usd - due_cost_usd as residual_usd,
        billed_tokens as tokens,
        context_band || ' context: ' || {{ instead_of_text('billed_tokens', 'due_usd_per_mtok', 'tier_usd_per_mtok') }} as evidence
    from buckets
    union all
    select
        reconciliation_id,
        usage_date,
        'discount' as residual_class,
        -credit_usd as residual_usd,
        billed_tokens as tokens,
        'credits on the bill' as evidence
    from buckets
    union all
    select
        reconciliation_id,
        usage_date,
        if(off_class = 'provider_list', 'price_date', off_class) as residual_class,
        coalesce(list_step_usd, off_usd) as residual_usd,
        billed_tokens as tokens,
        {{ off_price_text() }} as evidence
    from price_gaps
    union all
    select
        reconciliation_id,
        usage_date,
        if(abs(off_usd - list_step_usd) <= 0.0001, 'rounding', if({{ is_above_list('price_gaps') }}, 'unknown', 'discount'))
            as residual_class,
        off_usd - list_step_usd as residual_usd,
        billed_tokens as tokens,
        'on top of the provider''s own list price' as evidence
    from price_gaps
    where list_step_usd is not null
),

terms as (
    select {{ columns }} from whole_rows
    union all
    select {{ columns }} from token_terms
    union all
    select {{ columns }} from price_terms
)

select * from terms
where residual_usd <> 0
