select
    _gateway as gateway,
    id as key_id,
    team,
    product,
    environment
from {{ source('azure_gateway_log', 'subscriptions') }}
