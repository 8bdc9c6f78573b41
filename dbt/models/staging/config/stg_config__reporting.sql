select reporting_currency
from {{ source('config', 'reporting') }}
