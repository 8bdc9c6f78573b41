with

points as (
    select * from {{ source('gcp_vertex', 'latencies') }}
),

cast_points as (
    select
        project_id,
        location as region_id,
        publisher,
        model_user_id as provider_model_name,
        metric,
        request_type,
        latency_type,
        cast(value as bigint) as calls,
        mean_ms,
        bounds_ms,
        bucket_counts,
        cast(hour_start as timestamp) as hour_start
    from points
)

select * from cast_points
