select
    closed_month as billing_month,
    provider,
    model,
    region_class,
    token_class,
    service_tier,
    context_band,
    usd_per_mtok,
    contract_usd_per_mtok,
    valid_from,
    valid_to
from {{ source('closed', 'prices') }}
