-- one row per provider: how far its bill is complete; a provider with several billing sources is as complete as the slowest
select
    case source when 'aws_cur' then 'aws' when 'gcp_billing' then 'gcp' else 'azure' end as provider,
    min(complete_through) as complete_through,
    max(watermark) as watermark,
    coalesce(bool_or(is_stale), false) as is_stale
from source_status
where source in ('aws_cur', 'gcp_billing', 'azure_cost')
group by 1
