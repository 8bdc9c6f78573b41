select
    provider,
    model,
    region_class,
    token_class,
    service_tier,
    context_band,
    price_source,
    source_id,
    {{ to_money('usd_per_mtok') }} as usd_per_mtok,
    source_date,
    valid_from,
    valid_to
from {{ source('prices', 'list_prices') }}
