-- one row per currency of one team's statement, with who closed the month, and nothing there where it is open
with closed as (
    select
        billing_month,
        any_value(closed_by) as closed_by,
        any_value(closed_as_of) as closed_as_of,
        any_value(revision) as revision,
        any_value(manifest_hash) as manifest_hash
    from fct_closed_month
    group by billing_month
)

select
    lines.billing_currency,
    sum(lines.billed_cost) as billed_cost,
    any_value(closed.closed_by) as closed_by,
    any_value(closed.closed_as_of) as closed_as_of,
    any_value(closed.revision) as revision,
    any_value(closed.manifest_hash) as manifest_hash
from fct_statement_line as lines
left join closed on lines.billing_month = closed.billing_month and lines.statement_status = 'closed'
where
    lines.billing_month = $statement_month
    and lines.team = $statement_team
    and lines.statement_status = $statement_status
    and lines.cost_status <> 'estimate'
group by lines.billing_currency
order by lines.billing_currency
