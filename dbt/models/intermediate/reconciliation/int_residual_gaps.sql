{{ config(
    materialized='incremental',
    meta={
        'part': 'usage_date',
        'built_from': {'int_reconciled': 'usage_date'},
    },
    **by_part()
) }}

with

reconciled as (
    select * from {{ ref('int_reconciled') }}
    where {{ is_changed_part('usage_date') }}
),

judged as (
    select
        *,
        -- what one reason explains as a whole
        case
            when not is_complete then 'late_data'
            when
                model is null
                or usd_per_mtok is null
                or standard_cost_usd is null
                or (metered_tokens <> 0 and metered_cost_usd is null)
                then 'unmapped'
        end as whole_class,
        coalesce(metered_tokens, 0) - coalesce(billed_tokens, 0) - pooled_tokens as gap_tokens,
        case
            when pooled_tokens < 0 then -standard_cost_usd
            else {{ class_cost('pooled_tokens', 'usd_per_mtok') }}
        end as pooled_usd
    from reconciled
),

-- metered = billed tokens at the standard price + what the meter counted elsewhere + the gap
gaps as (
    select
        *,
        cast(coalesce(metered_cost_usd, 0) - standard_cost_usd - pooled_usd as decimal(38, 12)) as gap_usd
    from judged
),

-- a gap in tokens is one thing: the first that its numbers prove
classed as (
    select
        *,
        case
            when gap_tokens = 0 and abs(gap_usd) <= 0.0001 then 'rounding'
            when gap_tokens = 0 then 'unknown'
            when not has_meter and not is_known_workload then 'outside_profile'
            when not has_meter then 'unmetered'
            when token_class = 'input' and gap_tokens = -cache_read_tokens then 'cache_class'
            when {{ is_other_unit('metered_tokens', 'billed_tokens') }} then 'unit'
            when provider = 'gcp' and gap_tokens in (early_tokens - next_early_tokens, early_tokens, -next_early_tokens)
                then 'time_zone'
            else 'unmetered'
        end as gap_class
    from gaps
)

select * from classed
