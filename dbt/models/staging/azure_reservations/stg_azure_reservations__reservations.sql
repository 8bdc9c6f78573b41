select
    lower(id) as reservation_resource_id,
    split_part(name, '/', 1) as reservation_order_id,
    coalesce(nullif(split_part(name, '/', 2), ''), name) as reservation_id,
    "displayName" as display_name,
    "skuName" as sku_name,
    "reservedResourceType" as reserved_resource_type,
    replace(lower(location), ' ', '') as region_id,
    term,
    "appliedScopeType" as applied_scope_type,
    "appliedScopes" as applied_scopes,
    "provisioningState" as provisioning_state,
    cast(quantity as decimal(18, 6)) as quantity,
    renew as is_renewed,
    cast(substr("effectiveDateTime", 1, 10) as date) as valid_from,
    cast(substr("expiryDateTime", 1, 10) as date) as valid_to,
    cast(_window_start as date) as snapshot_date
from {{ source('azure_reservations', 'reservations') }}
