-- one row per provider: how far its bill is complete; with several billing sources, as far as the slowest
select
    provider,
    min(complete_through) as complete_through,
    max(watermark) as watermark,
    coalesce(bool_or(is_stale), false) as is_stale
from source_status
where source in ('aws_cur', 'gcp_billing', 'azure_cost')
group by provider
