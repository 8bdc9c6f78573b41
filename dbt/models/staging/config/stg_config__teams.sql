select
    team,
    team_name,
    cost_center,
    contact,
    valid_from,
    valid_to
from {{ source('config', 'teams') }}
