select
    lower(_billing_account_id) as billing_account_id,
    "reservationOrderId" as reservation_order_id,
    "reservationId" as reservation_id,
    "skuName" as sku_name,
    lower("instanceId") as resource_id,
    cast("reservedHours" as decimal(18, 6)) as reserved_hours,
    cast("usedHours" as decimal(18, 6)) as used_hours,
    cast("usageDate" as date) as usage_date
from {{ source('azure_reservations', 'details') }}
