with

deployments as (
    select * from {{ ref('int_azure_deployments') }}
    where billing_kind = 'provisioned'
),

usage as (
    select * from {{ ref('int_azure_usage_hourly') }}
),

spills as (
    select * from {{ ref('int_azure_spills_hourly') }}
),

billing_accounts as (
    select * from {{ ref('int_azure_billing_accounts') }}
),

provisioned_costs as (
    select * from {{ ref('int_azure_provisioned_costs') }}
),

-- a provisioned deployment reports its utilisation in every hour in which it stands, idle ones included
measured_hours as (
    select
        deployments.*,
        usage.hour_start,
        usage.prompt_tokens,
        usage.output_tokens,
        usage.active_tokens,
        case
            when deployments.spillover_deployment_name is null or coalesce(usage.throttled_count, 0) = 0 then 0
        end as unspilled_tokens,
        usage.utilization_pct,
        cast(usage.hour_start as date) as usage_date
    from deployments
    inner join usage
        on deployments.resource_id = usage.resource_id and deployments.deployment_name = usage.deployment_name
    where usage.utilization_pct is not null
),

-- the bill counts PTU hours; where one deployment stands behind it, they say how many PTUs there were that day
counted as (
    select
        measured_hours.*,
        provisioned_costs.effective_cost,
        cast(
            case
                when count(distinct measured_hours.deployment_name) over account_day = 1 and ptu_hours is not null
                    then provisioned_costs.ptu_hours / count(*) over account_day
                else measured_hours.sku_capacity
            end as decimal(18, 6)
        ) as units
    from measured_hours
    left join provisioned_costs
        on
            measured_hours.resource_id = provisioned_costs.resource_id
            and measured_hours.price_scope = provisioned_costs.price_scope
            and measured_hours.usage_date = provisioned_costs.charge_date
    window account_day as (
        partition by measured_hours.resource_id, measured_hours.price_scope, measured_hours.usage_date
    )
),

weighed as (
    select
        *,
        cast(units * 1000000 as bigint) as ptu_weight
    from counted
),

-- each account's day of amortized PTU cost over the hours and deployments that held the PTUs
split as (
    {{ money_split(
        from_='weighed',
        by=['resource_id', 'price_scope', 'usage_date'],
        amount='effective_cost',
        weight='ptu_weight',
        tie_break=['hour_start', 'deployment_name'],
        part='capacity_cost_usd'
    ) }}
),

-- one billing account per subscription, one row of spill per deployment and hour: the joins change no row count
described as (
    select
        split.workload_id as capacity_id,
        'azure' as provider,
        billing_accounts.billing_account_id,
        split.sub_account_id,
        split.workload_id,
        split.region_id,
        split.hour_start,
        'ptu' as unit_kind,
        split.units,
        split.model,
        split.price_scope,
        cast(least(split.utilization_pct / 100, 1) as decimal(18, 12)) as utilization_ratio,
        case when split.effective_cost is not null then split.capacity_cost_usd end as capacity_cost_usd,
        -- active tokens are all but the cached ones
        coalesce(split.active_tokens - coalesce(split.output_tokens, 0), split.prompt_tokens, 0) as input_tokens,
        case
            when split.prompt_tokens is null then 0
            else split.prompt_tokens + coalesce(split.output_tokens, 0) - split.active_tokens
        end as cached_tokens,
        coalesce(split.output_tokens, 0) as output_tokens,
        -- nothing spills where there is nowhere to, or where nothing was refused
        coalesce(spills.spill_input_tokens, split.unspilled_tokens) as spill_input_tokens,
        coalesce(spills.spill_cached_tokens, split.unspilled_tokens) as spill_cached_tokens,
        coalesce(spills.spill_output_tokens, split.unspilled_tokens) as spill_output_tokens
    from split
    left join billing_accounts
        on split.sub_account_id = billing_accounts.sub_account_id
    left join spills
        on split.workload_id = spills.workload_id and split.hour_start = spills.hour_start
)

select * from described
