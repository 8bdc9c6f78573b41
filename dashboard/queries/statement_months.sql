-- one row per invoice month and team that has a statement; a closed month's is the closed one
select
    billing_month,
    team,
    case when bool_or(statement_status = 'closed') then 'closed' else 'draft' end as statement_status
from fct_statement_line
group by billing_month, team
order by billing_month desc, team asc
