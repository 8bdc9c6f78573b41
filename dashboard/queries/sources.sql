-- one row per source and account: how fresh, how complete, what it said
select
    source,
    account_id,
    complete_through,
    watermark,
    last_success_at,
    rows,
    is_stale,
    coalesce(message, 'nothing to report') as message
from source_status
order by is_stale desc nulls first, source, account_id
