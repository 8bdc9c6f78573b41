-- what a provisioned deployment was asked for, minute by minute: what it took, and what its spillover deployment took
with

deployments as (
    select * from {{ ref('int_azure_deployments') }}
    where billing_kind = 'provisioned'
),

usage as (
    select * from {{ ref('int_azure_usage_minutes') }}
),

-- metrics do not say where a spilled request came from: two deployments that spill to one leave it unknown
spilling as (
    select
        resource_id,
        deployment_name,
        spillover_deployment_name,
        count(*) over (partition by resource_id, spillover_deployment_name) as source_count
    from deployments
    where spillover_deployment_name is not null
),

-- token metrics have no spillover dimension: the target's tokens of the minute are shared by requests
spilled as (
    select
        spilling.resource_id,
        spilling.deployment_name,
        usage.minute_start,
        usage.spilled_in_count as spill_requests,
        cast(round(
            cast(usage.prompt_tokens as hugeint) * usage.spilled_in_count / nullif(usage.answered_count, 0)
        ) as bigint) as spill_prompt_tokens,
        cast(round(
            cast(usage.output_tokens as hugeint) * usage.spilled_in_count / nullif(usage.answered_count, 0)
        ) as bigint) as spill_output_tokens
    from spilling
    inner join usage
        on
            spilling.resource_id = usage.resource_id
            and spilling.spillover_deployment_name = usage.deployment_name
    where spilling.source_count = 1 and usage.spilled_in_count > 0
),

-- a provisioned deployment reports its utilisation in every minute in which it stands
measured as (
    select
        deployments.workload_id as capacity_id,
        deployments.sub_account_id,
        deployments.region_id,
        deployments.model,
        deployments.sku_capacity as units,
        usage.*
    from deployments
    inner join usage
        on deployments.resource_id = usage.resource_id and deployments.deployment_name = usage.deployment_name
    where usage.utilization_pct is not null
)

select
    measured.capacity_id,
    'azure' as provider,
    measured.sub_account_id,
    measured.region_id,
    measured.model,
    measured.minute_start,
    'ptu' as unit_kind,
    cast(measured.units as decimal(18, 6)) as units,
    cast(measured.utilization_pct / 100 as decimal(18, 12)) as utilization_ratio,
    -- active tokens are all but the cached ones
    coalesce(measured.active_tokens - coalesce(measured.output_tokens, 0), measured.prompt_tokens, 0) as input_tokens,
    case
        when measured.prompt_tokens is null then 0
        else measured.prompt_tokens + coalesce(measured.output_tokens, 0) - measured.active_tokens
    end as cached_tokens,
    coalesce(measured.output_tokens, 0) as output_tokens,
    coalesce(measured.answered_count, 0) as request_count,
    coalesce(measured.throttled_count, 0) as throttled_count,
    coalesce(spilled.spill_requests, 0) as spill_requests,
    -- all prompt tokens: no metric of a standard deployment counts cached ones
    coalesce(spilled.spill_prompt_tokens, 0) as spill_prompt_tokens,
    coalesce(spilled.spill_output_tokens, 0) as spill_output_tokens
from measured
left join spilled
    on
        measured.resource_id = spilled.resource_id
        and measured.deployment_name = spilled.deployment_name
        and measured.minute_start = spilled.minute_start
