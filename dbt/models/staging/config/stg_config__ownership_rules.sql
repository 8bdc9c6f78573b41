select
    rule_id,
    provider,
    field,
    pattern,
    team,
    product,
    environment,
    priority,
    valid_from,
    valid_to
from {{ source('config', 'ownership_rules') }}
