select
    payer_account_id,
    grouped_by,
    key as group_name,
    unit as currency_code,
    estimated as is_estimated,
    {{ to_money('amount') }} as amount,
    start as charge_date
from {{ source('aws_cur', 'cost_explorer') }}
