with

compared as (
    select * from {{ ref('int_reconciled_sides') }}
),

bill_statuses as (
    select
        provider,
        account_id,
        complete_through
    from {{ ref('source_status') }}
    where source in ('aws_cur', 'gcp_billing', 'azure_cost', 'anthropic', 'openai')
),

metered_workloads as (
    select
        provider,
        workload_id
    from compared
    where metered_tokens is not null
    group by provider, workload_id
),

-- Azure's subscriptions are complete one by one, a bill of the others as a whole. A provider's account has one status,
-- a workload stands once: the joins change no row count
known as (
    select
        compared.*,
        coalesce(
            compared.usage_date <= coalesce(of_subscription.complete_through, of_bill.complete_through), false
        ) as is_complete,
        metered_workloads.workload_id is not null as is_known_workload
    from compared
    left join bill_statuses as of_bill
        on compared.provider = of_bill.provider and compared.billing_account_id = of_bill.account_id
    left join bill_statuses as of_subscription
        on compared.provider = of_subscription.provider and compared.sub_account_id = of_subscription.account_id
    left join metered_workloads
        on compared.provider = metered_workloads.provider and compared.workload_id = metered_workloads.workload_id
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
    from known
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
