select
    provider,
    complete_through,
    watermark,
    is_stale
from completeness
order by provider
