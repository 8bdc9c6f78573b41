with

closed as (
    select * from {{ source('closed', 'inputs') }}
),

present as (
    select * from {{ source('closed', 'inputs_now') }}
),

-- a file of then that is gone, and one that came since, both keep their row
compared as (
    select
        coalesce(closed.closed_month, present.closed_month) as closed_month,
        coalesce(closed.kind, present.kind) as kind,
        coalesce(closed.provider, present.provider) as provider,
        coalesce(closed.source, present.source) as source,
        coalesce(closed.stream, present.stream) as stream,
        coalesce(closed.scope, present.scope) as scope,
        coalesce(closed.window_start, present.window_start) as window_start,
        closed.rows as closed_rows,
        present.rows as current_rows,
        closed.checksum as closed_checksum,
        present.checksum as current_checksum
    from closed
    full outer join present
        on
            closed.closed_month = present.closed_month
            and closed.source = present.source
            and closed.stream = present.stream
            and closed.scope = present.scope
            and closed.window_start = present.window_start
)

select * from compared
