with

requests as (
    select
        'litellm' as source,
        started_at
    from {{ ref('stg_litellm__requests') }}
    union all
    select
        'litellm' as source,
        started_at
    from {{ ref('stg_litellm__spend_logs') }}
    union all
    select
        'otel_genai' as source,
        started_at
    from {{ ref('stg_otel_genai__spans') }}
),

loads as (
    select * from {{ ref('stg_landing__statuses') }}
    where source in ('litellm', 'otel_genai')
),

counted as (
    select
        source,
        count(*) as landed_rows
    from requests
    group by source
),

-- a log that nobody writes to is not late: it is whole up to the day before it was read
statuses as (
    select
        loads.source,
        cast(null as varchar) as provider,
        loads.account_id,
        loads.watermark,
        cast(loads.last_success_at as date) - 1 as complete_through,
        counted.landed_rows as rows,
        loads.message
    from loads
    inner join counted on loads.source = counted.source
)

select * from statuses
