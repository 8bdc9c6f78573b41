select
    product,
    product_name,
    team
from {{ source('config', 'products') }}
