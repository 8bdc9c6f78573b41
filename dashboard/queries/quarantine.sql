-- what no load could take, dearest first
select
    source,
    billing_month,
    file_name,
    reason,
    billing_currency,
    row_count,
    unknown_amount_count,
    known_amount
from fct_quarantine
order by known_amount desc nulls first, source asc, file_name asc, reason asc
