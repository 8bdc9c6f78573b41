select
    discount_id,
    provider,
    model_pattern,
    price_source,
    {{ to_money('discount_pct') }} as discount_pct,
    source_date,
    valid_from,
    valid_to
from {{ source('prices', 'discounts') }}
