select
    closed_month,
    revision,
    cast(closed_as_of as timestamp) as closed_as_of,
    closed_by,
    manifest_hash,
    reason
from {{ source('closed', 'months') }}
