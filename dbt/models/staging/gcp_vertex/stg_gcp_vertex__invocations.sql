with

points as (
    select * from {{ source('gcp_vertex', 'invocations') }}
),

cast_points as (
    select
        project_id,
        location as region_id,
        publisher,
        model_user_id as provider_model_name,
        response_code,
        error_category,
        request_type,
        shared_request_type as service_tier,
        cast(value as bigint) as calls,
        cast(hour_start as timestamp) as hour_start
    from points
)

select * from cast_points
