select
    rate_date,
    currency,
    {{ to_money('units_per_eur') }} as units_per_eur
from {{ source('fx', 'reference_rates') }}
