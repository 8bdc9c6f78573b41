-- loads that lack rows of the load they replaced, newest first
select
    source,
    stream,
    scope,
    window_start,
    gone_rows,
    gone_amount,
    restated_at
from fct_restatement
order by restated_at desc, source asc, scope asc, window_start asc
