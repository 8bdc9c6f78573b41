with

points as (
    select * from {{ source('gcp_vertex', 'gsu') }}
),

cast_points as (
    select
        project_id,
        location as region_id,
        publisher,
        model_user_id as provider_model_name,
        metric,
        request_type,
        accounting_resource,
        cast(value as bigint) as units,
        cast(hour_start as timestamp) as hour_start
    from points
)

select * from cast_points
