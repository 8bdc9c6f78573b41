select
    split_id,
    provider,
    field,
    pattern,
    team,
    product,
    basis,
    priority,
    chain_level,
    cast(share as decimal(18, 12)) as share,
    valid_from,
    valid_to
from {{ source('config', 'splits') }}
