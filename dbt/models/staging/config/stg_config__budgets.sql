select
    budget_id,
    team,
    product,
    currency,
    cost_basis,
    warn_at_pct,
    {{ to_money('monthly_amount') }} as monthly_amount,
    valid_from,
    valid_to
from {{ source('config', 'budgets') }}
