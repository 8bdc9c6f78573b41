with

points as (
    select * from {{ source('gcp_vertex', 'token_counts') }}
),

cast_points as (
    select
        project_id,
        location as region_id,
        publisher,
        model_user_id as provider_model_name,
        type as direction,
        request_type,
        -- standard, priority or flex; NULL where it is provisioned or an older series
        shared_request_type as service_tier,
        source like 'batch_%' as is_batch,
        explicit_caching = 'true' as is_explicitly_cached,
        cast(value as bigint) as tokens,
        cast(hour_start as timestamp) as hour_start
    from points
)

select * from cast_points
