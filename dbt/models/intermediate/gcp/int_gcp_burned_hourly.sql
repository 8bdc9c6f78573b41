with

requests as (
    select * from {{ ref('stg_gcp_request_log__requests') }}
    where burned_tokens > 0
),

gsu_points as (
    select * from {{ ref('stg_gcp_vertex__gsu_points') }}
    where metric = 'consumed_token_throughput' and request_type is distinct from 'shared'
),

logged as (
    select
        project_id,
        region_id,
        provider_model_name,
        hour_start,
        coalesce({{ tag_value('request_labels', 'team') }}, {{ tag_value('header_labels', 'team') }}) as native_team,
        coalesce({{ tag_value('request_labels', 'product') }}, {{ tag_value('header_labels', 'product') }})
            as native_product,
        cast(sum(burned_tokens) as bigint) as burned_tokens
    from requests
    group by all
),

logged_totals as (
    select
        project_id,
        region_id,
        provider_model_name,
        hour_start,
        cast(sum(burned_tokens) as bigint) as burned_tokens
    from logged
    group by project_id, region_id, provider_model_name, hour_start
),

metered as (
    select
        project_id,
        region_id,
        provider_model_name,
        hour_start,
        cast(sum(units) as bigint) as burned_tokens
    from gsu_points
    group by project_id, region_id, provider_model_name, hour_start
),

-- what no log entry speaks of; a log that counts more than the meter leaves nothing
beyond as (
    select
        metered.project_id,
        metered.region_id,
        metered.provider_model_name,
        metered.hour_start,
        metered.burned_tokens - coalesce(logged_totals.burned_tokens, 0) as burned_tokens
    from metered
    left join logged_totals
        on
            metered.project_id = logged_totals.project_id
            and metered.region_id = logged_totals.region_id
            and metered.provider_model_name = logged_totals.provider_model_name
            and metered.hour_start = logged_totals.hour_start
    where metered.burned_tokens > coalesce(logged_totals.burned_tokens, 0)
),

burned as (
    select
        project_id,
        region_id,
        provider_model_name,
        hour_start,
        native_team,
        native_product,
        'request_log' as evidence,
        burned_tokens
    from logged
    union all
    select
        project_id,
        region_id,
        provider_model_name,
        hour_start,
        cast(null as varchar) as native_team,
        cast(null as varchar) as native_product,
        'metric' as evidence,
        burned_tokens
    from beyond
)

select * from burned
