select
    environment,
    environment_name
from {{ source('config', 'environments') }}
