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

-- a side that has no row is 0 where it is known to have had none, and NULL where it is not
compared as (
    select
        reconciliation_id,
        provider,
        billing_account_id,
        usage_date,
        workload_id,
        model,
        token_class,
        case
            when metered_tokens is not null then metered_tokens
            when has_meter and token_class in ('input', 'output') then 0
        end as metered_tokens,
        case
            when billed_tokens is not null then billed_tokens
            when is_complete then 0
        end as billed_tokens,
        usd_per_mtok,
        case
            when metered_tokens is not null then metered_cost_usd
            when has_meter and token_class in ('input', 'output') then 0
        end as metered_cost_usd,
        case
            when is_billed then billed_cost_usd
            when is_complete then 0
        end as billed_cost_usd,
        is_complete,
        case
            when not is_billed then 'estimate'
            when is_provisional then 'provisional'
            else 'final'
        end as cost_status,
        is_unconverted
    from reconciled
    where coalesce(metered_tokens, 0) <> 0 or is_billed
),

-- an unknown meter or price counts as 0: its whole bill is residual, and the class says why; an unknown bill does not
residuals as (
    select
        * exclude (is_complete, cost_status, is_unconverted),
        case
            when not is_unconverted
                then cast(coalesce(metered_cost_usd, 0) - coalesce(billed_cost_usd, 0) as decimal(38, 12))
        end as residual_usd,
        is_complete,
        cost_status
    from compared
)

select * from residuals
