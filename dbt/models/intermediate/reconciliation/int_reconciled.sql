{{ config(
    materialized='incremental',
    meta={
        'part': 'usage_date',
        'built_from': {'int_reconciled_sides': ['usage_date', 'usage_date - 1']},
    },
    **by_part()
) }}

with

sides as (
    select * from {{ ref('int_reconciled_sides') }}
    where {{ is_changed_part('usage_date') }} or {{ is_day_after_changed_part('usage_date') }}
),

-- what stands beside a class: the other classes of its workload, model and day, and its own next day
beside as (
    select
        *,
        bool_or(metered_tokens is not null) over family as has_meter,
        coalesce(bool_or(input_is_total) over family, false) as is_total,
        cast(sum(if(starts_with(token_class, 'cache'), billed_tokens, 0)) over family as bigint) as cache_tokens,
        cast(sum(if(token_class = 'cache_write_1h', billed_tokens, 0)) over family as bigint) as long_lived_tokens,
        cast(sum(if(token_class = 'cache_read', billed_tokens, 0)) over family as bigint) as cache_read_tokens,
        case when lead(usage_date) over class_days = usage_date + 1 then lead(early_tokens) over class_days else 0 end
            as next_early_tokens
    from sides
    window
        family as (partition by provider, billing_account_id, usage_date, workload_id, model),
        class_days as (partition by provider, billing_account_id, workload_id, model, token_class order by usage_date)
)

select
    {{ reconciliation_id() }} as reconciliation_id,
    * exclude (cache_tokens, long_lived_tokens),
    coalesce(metered_usd_per_mtok, standard_usd_per_mtok) as usd_per_mtok,
    -- billed tokens that the meter counted in another class of the same workload: taken from there, and added here
    cast(
        case
            when not has_meter then 0
            when is_total and token_class = 'input' then cache_tokens
            when is_total and starts_with(token_class, 'cache') then -coalesce(billed_tokens, 0)
            when not is_total and token_class = 'cache_write_5m' then long_lived_tokens
            when not is_total and token_class = 'cache_write_1h' then -coalesce(billed_tokens, 0)
            else 0
        end as bigint
    ) as pooled_tokens
from beside
where {{ is_changed_part('usage_date') }}
