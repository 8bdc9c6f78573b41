with

gsu_points as (
    select * from {{ ref('stg_gcp_vertex__gsu_points') }}
),

token_counts as (
    select * from {{ ref('stg_gcp_vertex__token_counts') }}
),

bill_rows as (
    select * from {{ ref('int_gcp_bill_rows') }}
),

costs as (
    select * from {{ ref('int_gcp_capacity_costs') }}
),

projects as (
    select * from {{ ref('int_gcp_projects') }}
),

model_names as (
    select * from {{ ref('gcp_model_names') }}
    where name_kind = 'metric'
),

burndown_rates as (
    select * from {{ ref('gcp_burndown_rates') }}
),

-- one row per project, place, model and hour with throughput of its own
limits as (
    select
        project_id,
        region_id,
        provider_model_name,
        hour_start,
        max(units) filter (where metric = 'dedicated_gsu_limit') as gsus,
        max(units) filter (where metric = 'dedicated_token_limit') as tokens_per_second,
        cast(coalesce(sum(units) filter (where metric = 'consumed_token_throughput'), 0) as bigint) as burned_tokens
    from gsu_points
    group by project_id, region_id, provider_model_name, hour_start
    having max(units) filter (where metric = 'dedicated_gsu_limit') > 0
),

-- an order is named where its project has one order on the bill and one model in the meters
orders as (
    select
        project_id,
        min(subscription_id) as subscription_id
    from costs
    group by project_id
    having count(distinct subscription_id) = 1
),

held_models as (
    select
        project_id,
        count(distinct region_id || '/' || provider_model_name) as models
    from limits
    group by project_id
),

metered as (
    select
        project_id,
        region_id,
        provider_model_name,
        hour_start,
        cast(sum(if(request_type = 'dedicated' and direction = 'input', tokens, 0)) as bigint) as served_prompt,
        cast(sum(if(request_type = 'dedicated' and direction = 'output', tokens, 0)) as bigint) as served_output,
        cast(sum(if(request_type <> 'dedicated', tokens, 0)) as bigint) as spilled
    from token_counts
    group by project_id, region_id, provider_model_name, hour_start
),

-- spilled tokens are on the bill by class, cached ones apart; the bill comes a day later
billed_spill as (
    select
        project_id,
        model,
        usage_start_at as hour_start,
        cast(sum(if(token_class = 'input', consumed_tokens, 0)) as bigint) as input_tokens,
        cast(sum(if(token_class = 'cache_read', consumed_tokens, 0)) as bigint) as cached_tokens,
        cast(sum(if(token_class = 'output', consumed_tokens, 0)) as bigint) as output_tokens
    from bill_rows
    where consumed_tokens is not null and charge_category = 'Usage'
    group by project_id, model, usage_start_at
),

-- every hour that has a limit or a cost; a project's cost meets each of its models in that hour, and is split below
joined as (
    select
        coalesce(limits.project_id, costs.project_id) as project_id,
        coalesce(limits.region_id, costs.region_id) as region_id,
        limits.provider_model_name,
        model_names.model,
        coalesce(limits.hour_start, costs.hour_start) as hour_start,
        costs.billing_account_id,
        limits.gsus,
        limits.tokens_per_second,
        limits.burned_tokens,
        costs.capacity_cost_usd as project_cost_usd,
        coalesce(limits.gsus, 1) as weight
    from limits
    full outer join costs
        on limits.project_id = costs.project_id and limits.hour_start = costs.hour_start
    left join model_names
        on limits.provider_model_name = model_names.provider_model_name
),

split as (
    {{ money_split(
        from_='joined', by=['project_id', 'hour_start'], amount='project_cost_usd', weight='weight',
        tie_break=['region_id', 'provider_model_name'], part='capacity_cost_usd'
    ) }}
),

-- burned = (prompt - cached) + cached_weight x cached + output_weight x output, solved for cached: the meters give all
-- others. Whole tokens, and never outside of what can be.
served as (
    select
        split.*,
        metered.served_output,
        metered.spilled,
        metered.served_prompt,
        greatest(0, least(
            metered.served_prompt,
            cast(
                round(
                    (metered.served_prompt + burndown_rates.output_weight * metered.served_output - split.burned_tokens)
                    / (1 - burndown_rates.cached_weight)
                ) as bigint
            )
        )) as served_cached
    from split
    left join metered
        on
            split.project_id = metered.project_id
            and split.region_id = metered.region_id
            and split.provider_model_name = metered.provider_model_name
            and split.hour_start = metered.hour_start
    left join burndown_rates
        on split.model = burndown_rates.model
),

capacity as (
    select
        coalesce(
            case when coalesce(held_models.models, 1) = 1 then orders.subscription_id end,
            concat_ws('/', served.project_id, served.region_id, served.provider_model_name)
        ) as capacity_id,
        'gcp' as provider,
        coalesce(served.billing_account_id, projects.billing_account_id) as billing_account_id,
        served.project_id as sub_account_id,
        served.project_id as workload_id,
        served.region_id,
        served.hour_start,
        'gsu' as unit_kind,
        cast(served.gsus as decimal(18, 6)) as units,
        served.model,
        case when served.region_id = 'global' then 'global' else 'regional' end as price_scope,
        -- whole-number division: exact to twelve decimals, bursts above the limit count as full
        cast(
            least(
                cast(served.burned_tokens as hugeint) * 1000000000000 // nullif(served.tokens_per_second * 3600, 0),
                1000000000000
            ) * cast(0.000000000001 as decimal(13, 12)) as decimal(18, 12)
        ) as utilization_ratio,
        served.capacity_cost_usd,
        case when served.gsus is not null then coalesce(served.served_prompt, 0) - coalesce(served.served_cached, 0) end
            as input_tokens,
        case when served.gsus is not null then coalesce(served.served_cached, 0) end as cached_tokens,
        case when served.gsus is not null then coalesce(served.served_output, 0) end as output_tokens,
        case when coalesce(served.spilled, 0) = 0 and served.gsus is not null then 0 else billed_spill.input_tokens end
            as spill_input_tokens,
        case when coalesce(served.spilled, 0) = 0 and served.gsus is not null then 0 else billed_spill.cached_tokens end
            as spill_cached_tokens,
        case when coalesce(served.spilled, 0) = 0 and served.gsus is not null then 0 else billed_spill.output_tokens end
            as spill_output_tokens
    from served
    left join orders
        on served.project_id = orders.project_id
    left join held_models
        on served.project_id = held_models.project_id
    left join projects
        on served.project_id = projects.project_id
    left join billed_spill
        on
            served.project_id = billed_spill.project_id
            and served.model = billed_spill.model
            and served.hour_start = billed_spill.hour_start
)

select * from capacity
