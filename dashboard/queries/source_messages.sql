-- what the sources have to say
select
    source,
    account_id,
    message
from source_status
where message is not null
order by is_stale desc nulls first, source asc, account_id asc
