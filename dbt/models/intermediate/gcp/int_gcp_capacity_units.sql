with

gsu_points as (
    select * from {{ ref('stg_gcp_vertex__gsu_points') }}
),

costs as (
    select * from {{ ref('int_gcp_capacity_costs') }}
),

model_names as (
    select * from {{ ref('gcp_model_names') }}
    where name_kind = 'metric'
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
        -- the metric counts shared traffic as well, which uses nothing of the order
        cast(coalesce(sum(units) filter (
            where metric = 'consumed_token_throughput' and request_type is distinct from 'shared'
        ), 0) as bigint) as burned_tokens
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

-- an order names the capacity only where there is no doubt
named as (
    select
        split.* exclude (weight, project_cost_usd),
        coalesce(
            case when coalesce(held_models.models, 1) = 1 then orders.subscription_id end,
            concat_ws('/', split.project_id, split.region_id, split.provider_model_name)
        ) as capacity_id
    from split
    left join orders
        on split.project_id = orders.project_id
    left join held_models
        on split.project_id = held_models.project_id
)

select * from named
