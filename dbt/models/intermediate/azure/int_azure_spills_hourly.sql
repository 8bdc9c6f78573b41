-- tokens that a provisioned deployment could not take and its spillover deployment served
with

sources as (
    select * from {{ ref('int_azure_deployments') }}
    where spillover_deployment_name is not null
),

targets as (
    select * from {{ ref('int_azure_deployments') }}
),

usage as (
    select * from {{ ref('int_azure_usage_hourly') }}
),

billed_tokens as (
    select
        workload_id,
        charge_date,
        sum(consumed_tokens) filter (where token_class = 'cache_read') as cached_tokens,
        sum(consumed_tokens) filter (where token_class in ('input', 'cache_read')) as prompt_tokens
    from {{ ref('int_azure_charges') }}
    where workload_id is not null
    group by workload_id, charge_date
),

-- metrics do not say where a spilled request came from: two deployments that spill to one leave it unknown
spilling as (
    select
        sources.workload_id,
        sources.resource_id,
        targets.deployment_name as target_name,
        targets.workload_id as target_workload_id,
        count(*) over (partition by sources.resource_id, targets.deployment_name) as source_count
    from sources
    inner join targets
        on
            sources.resource_id = targets.resource_id
            and sources.spillover_deployment_name = targets.deployment_name
),

-- token metrics have no spillover dimension: tokens are shared by requests
shared as (
    select
        spilling.workload_id,
        spilling.target_workload_id,
        usage.hour_start,
        cast(round(
            cast(usage.prompt_tokens as hugeint) * coalesce(usage.spilled_in_count, 0) / nullif(usage.answered_count, 0)
        ) as bigint) as prompt_tokens,
        cast(round(
            cast(usage.output_tokens as hugeint) * coalesce(usage.spilled_in_count, 0) / nullif(usage.answered_count, 0)
        ) as bigint) as output_tokens
    from spilling
    inner join usage
        on spilling.resource_id = usage.resource_id and spilling.target_name = usage.deployment_name
    where spilling.source_count = 1
),

-- no metric counts cached tokens of a standard deployment; its bill of that day does
cached as (
    select
        shared.workload_id,
        shared.hour_start,
        shared.prompt_tokens,
        shared.output_tokens,
        case
            when shared.prompt_tokens = 0 then 0
            else cast(round(
                cast(shared.prompt_tokens as hugeint) * coalesce(billed_tokens.cached_tokens, 0)
                / nullif(billed_tokens.prompt_tokens, 0)
            ) as bigint)
        end as cached_tokens
    from shared
    left join billed_tokens
        on
            shared.target_workload_id = billed_tokens.workload_id
            and cast(shared.hour_start as date) = billed_tokens.charge_date
)

select
    workload_id,
    hour_start,
    prompt_tokens - cached_tokens as spill_input_tokens,
    cached_tokens as spill_cached_tokens,
    output_tokens as spill_output_tokens
from cached
