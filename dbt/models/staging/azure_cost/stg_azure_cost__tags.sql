select
    nullif(lower(trim("ResourceId")), '') as resource_id,
    lower(_tag_key) as tag_key,
    nullif(trim("TagValue"), '') as tag_value,
    {{ to_money('"Cost"') }} as cost,
    cast(strptime(cast("UsageDate" as varchar), '%Y%m%d') as date) as charge_date
from {{ source('azure_cost', 'tags') }}
