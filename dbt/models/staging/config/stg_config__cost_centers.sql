select
    cost_center,
    cost_center_name,
    valid_from,
    valid_to
from {{ source('config', 'cost_centers') }}
