with

token_counts as (
    select * from {{ ref('stg_gcp_vertex__token_counts') }}
),

invocations as (
    select * from {{ ref('stg_gcp_vertex__invocations') }}
),

projects as (
    select * from {{ ref('int_gcp_projects') }}
),

model_names as (
    select * from {{ ref('gcp_model_names') }}
    where name_kind = 'metric'
),

-- tokens and calls stacked, not joined: a day may have one without the other
points as (
    select
        cast(hour_start as date) as usage_date,
        project_id,
        region_id,
        provider_model_name,
        case when direction = 'input' then tokens end as input_tokens,
        case when direction = 'output' then tokens end as output_tokens,
        case when direction = 'cache_read_input' then tokens end as cache_read_tokens,
        case when direction in ('cache_write_input', 'cache_write_1h_input') then tokens end as cache_write_tokens,
        cast(null as varchar) as response_code,
        cast(null as bigint) as calls
    from token_counts
    union all
    select
        cast(hour_start as date) as usage_date,
        project_id,
        region_id,
        provider_model_name,
        cast(null as bigint) as input_tokens,
        cast(null as bigint) as output_tokens,
        cast(null as bigint) as cache_read_tokens,
        cast(null as bigint) as cache_write_tokens,
        response_code,
        calls
    from invocations
),

daily as (
    select
        usage_date,
        project_id,
        region_id,
        provider_model_name,
        cast(sum(input_tokens) as bigint) as input_tokens,
        cast(sum(output_tokens) as bigint) as output_tokens,
        cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(cache_write_tokens) as bigint) as cache_write_tokens,
        -- where calls were metered at all, a code that never came up stands for none
        cast(case when count(calls) > 0 then sum(if(response_code like '2%', calls, 0)) end as bigint) as request_count,
        cast(case when count(calls) > 0 then sum(if(response_code = '429', calls, 0)) end as bigint) as throttled_count,
        cast(
            case
                when count(calls) > 0
                    then sum(if(response_code like '2%' or response_code = '429', 0, calls))
            end as bigint
        ) as error_count
    from points
    group by usage_date, project_id, region_id, provider_model_name
),

-- Google meters Claude's cached tokens apart, Gemini's inside the input: a model that ever had such a series has them
-- always, and none on a day without
told_apart as (
    select
        project_id,
        provider_model_name
    from token_counts
    where direction like 'cache%'
    group by project_id, provider_model_name
),

-- projects, names and told_apart are unique: the joins change no row count
usage as (
    select
        daily.usage_date,
        'gcp' as provider,
        projects.billing_account_id,
        daily.project_id as sub_account_id,
        daily.region_id,
        case when daily.region_id = 'global' then 'global' else 'regional' end as region_class,
        daily.project_id as workload_id,
        daily.provider_model_name,
        model_names.model,
        projects.native_team,
        projects.native_product,
        projects.native_environment,
        case when projects.native_team is not null then 'resource_tag' end as native_method,
        projects.carried_tags,
        daily.input_tokens,
        daily.output_tokens,
        case when told_apart.project_id is not null then coalesce(daily.cache_read_tokens, 0) end as cache_read_tokens,
        case when told_apart.project_id is not null then coalesce(daily.cache_write_tokens, 0) end as cache_write_tokens,
        daily.request_count,
        daily.throttled_count,
        daily.error_count,
        told_apart.project_id is null as input_is_total
    from daily
    left join told_apart
        on daily.project_id = told_apart.project_id and daily.provider_model_name = told_apart.provider_model_name
    left join projects
        on daily.project_id = projects.project_id
    left join model_names
        on daily.provider_model_name = model_names.provider_model_name
)

select * from usage
