select
    provider,
    unit_kind,
    sku_scope,
    term,
    model,
    price_source,
    tokens_per_minute_per_unit,
    {{ to_money('output_weight') }} as output_weight,
    {{ to_money('cached_weight') }} as cached_weight,
    {{ to_money('usd_per_unit_hour') }} as usd_per_unit_hour,
    source_date,
    valid_from,
    valid_to
from {{ source('prices', 'capacity_prices') }}
