select
    product,
    product_name,
    team,
    -- a file landed before products were dated says nothing of a first day: since always
    coalesce(valid_from, date '1970-01-01') as valid_from,
    valid_to
from {{ source('config', 'products') }}
