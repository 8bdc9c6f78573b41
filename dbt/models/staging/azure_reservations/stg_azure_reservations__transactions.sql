select
    lower(_billing_account_id) as billing_account_id,
    "reservationOrderId" as reservation_order_id,
    "armSkuName" as sku_name,
    term,
    "eventType" as event_type,
    lower(region) as region_id,
    lower("purchasingSubscriptionGuid") as purchasing_sub_account_id,
    cast(quantity as decimal(18, 6)) as quantity,
    {{ to_money('amount') }} as amount,
    upper(currency) as billing_currency,
    cast("eventDate" as date) as event_date
from {{ source('azure_reservations', 'transactions') }}
