with

restatements as (
    select * from {{ ref('stg_landing__restatements') }}
)

select
    source,
    stream,
    scope,
    window_start,
    run_id,
    gone_rows,
    gone_amount,
    restated_at
from restatements
