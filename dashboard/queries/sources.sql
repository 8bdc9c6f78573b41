-- one row per source and account that delivers days: how fresh, how complete
select
    source,
    account_id,
    complete_through,
    watermark,
    last_success_at,
    rows,
    is_stale
from source_status
where complete_through is not null or watermark is not null or is_stale
order by is_stale desc nulls first, source asc, account_id asc
