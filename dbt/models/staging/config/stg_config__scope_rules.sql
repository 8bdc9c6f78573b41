select
    rule_id,
    provider,
    field,
    pattern,
    category,
    priority,
    is_in_scope
from {{ source('config', 'scope_rules') }}
