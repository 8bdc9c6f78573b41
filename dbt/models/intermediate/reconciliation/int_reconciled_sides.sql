{{ config(materialized='view') }}
{% set key = 'provider, billing_account_id, usage_date, workload_id, model, token_class' %}

with

sides as (
    select
        {{ key }},
        sub_account_id,
        input_is_total,
        metered_tokens,
        early_tokens,
        metered_usd_per_mtok,
        metered_cost_usd,
        cast(null as bigint) as billed_tokens,
        cast(null as decimal(38, 12)) as billed_cost_usd,
        cast(null as decimal(38, 12)) as standard_usd_per_mtok,
        cast(null as decimal(38, 12)) as standard_cost_usd,
        false as is_billed,
        false as is_provisional,
        false as is_unconverted
    from {{ ref('int_metered_costs') }}
    union all
    select
        {{ key }},
        sub_account_id,
        null as input_is_total,
        null as metered_tokens,
        null as early_tokens,
        null as metered_usd_per_mtok,
        null as metered_cost_usd,
        billed_tokens,
        billed_cost_usd,
        standard_usd_per_mtok,
        standard_cost_usd,
        true as is_billed,
        is_provisional,
        billed_cost_usd is null as is_unconverted
    from {{ ref('int_billed_tokens') }}
),

-- stacked, not joined, so that what stands on one side alone still shows
compared as (
    select
        {{ key }},
        max(sub_account_id) as sub_account_id,
        bool_or(input_is_total) as input_is_total,
        cast(sum(metered_tokens) as bigint) as metered_tokens,
        cast(coalesce(sum(early_tokens), 0) as bigint) as early_tokens,
        max(metered_usd_per_mtok) as metered_usd_per_mtok,
        cast(sum(metered_cost_usd) as decimal(38, 12)) as metered_cost_usd,
        cast(sum(billed_tokens) as bigint) as billed_tokens,
        case when not bool_or(is_unconverted) then cast(sum(billed_cost_usd) as decimal(38, 12)) end as billed_cost_usd,
        {{ of_largest('standard_usd_per_mtok', 'billed_tokens') }} as standard_usd_per_mtok,
        case
            when count(standard_cost_usd) = count(billed_tokens) then cast(coalesce(sum(standard_cost_usd), 0) as decimal(38, 12))
        end as standard_cost_usd,
        bool_or(is_billed) as is_billed,
        bool_or(is_provisional) as is_provisional,
        bool_or(is_unconverted) as is_unconverted
    from sides
    group by {{ key }}
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
    from {{ ref('int_metered_costs') }}
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
)

select * from known
