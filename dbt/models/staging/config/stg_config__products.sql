select
    product,
    product_name,
    team,
    valid_from,
    valid_to
from {{ source('config', 'products') }}
