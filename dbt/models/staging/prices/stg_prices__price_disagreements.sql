select
    provider,
    model,
    region_class,
    token_class,
    service_tier,
    context_band,
    price_source,
    source_id,
    other_price_source,
    other_source_id,
    {{ to_money('usd_per_mtok') }} as usd_per_mtok,
    {{ to_money('other_usd_per_mtok') }} as other_usd_per_mtok
from {{ source('prices', 'price_disagreements') }}
