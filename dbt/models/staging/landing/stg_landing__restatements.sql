with

restatements as (
    select * from {{ source('landing', 'restatements') }}
),

cast_restatements as (
    select
        source,
        stream,
        scope,
        run_id,
        gone_rows,
        {{ to_money('gone_amount') }} as gone_amount,
        cast(window_start as date) as window_start,
        cast(restated_at as timestamp) as restated_at
    from restatements
)

select * from cast_restatements
