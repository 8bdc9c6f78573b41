with

token_counts as (
    select * from {{ ref('stg_gcp_vertex__token_counts') }}
),

requests as (
    select * from {{ ref('stg_gcp_request_log__requests') }}
),

loads as (
    select * from {{ ref('stg_landing__statuses') }}
),

metered as (
    select
        project_id,
        max(hour_start) + interval '1 hour' as watermark,
        count(*) as landed_rows
    from token_counts
    group by project_id
),

-- a project that rests is not late; meters that stand still everywhere are
newest as (
    select max(watermark) as watermark
    from metered
),

vertex_status as (
    select
        'gcp_vertex' as source,
        'gcp' as provider,
        metered.project_id as account_id,
        metered.watermark,
        cast(least(loads.last_success_at, newest.watermark) as date) - 1 as complete_through,
        metered.landed_rows as rows,
        loads.message
    from metered
    cross join newest
    left join loads
        on loads.source = 'gcp_vertex' and metered.project_id = loads.account_id
),

-- a log is whole up to the day before its last good read; entries reach Logging within minutes
logged as (
    select
        project_id,
        max(requested_at) as watermark,
        count(*) as landed_rows
    from requests
    group by project_id
),

request_log_status as (
    select
        'gcp_request_log' as source,
        'gcp' as provider,
        logged.project_id as account_id,
        logged.watermark,
        cast(loads.last_success_at as date) - 1 as complete_through,
        logged.landed_rows as rows,
        loads.message
    from logged
    left join loads
        on loads.source = 'gcp_request_log' and logged.project_id = loads.account_id
),

statuses as (
    select * from vertex_status
    union all
    select * from request_log_status
)

select * from statuses
