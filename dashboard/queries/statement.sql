-- one team's statement of one month: what it was billed, with the evidence of each amount
select
    provider,
    product,
    model,
    charge_category,
    attribution_method,
    attribution_evidence,
    attribution_confidence,
    split_from_team,
    cost_status,
    billing_currency,
    sum(billed_cost) as billed_cost,
    sum(case when cost_status = 'estimate' then effective_cost end) as estimated_cost,
    sum(billed_cost) / nullif(sum(sum(billed_cost)) over (partition by billing_currency), 0) as share_ratio
from fct_statement_line
where
    billing_month = $statement_month
    and team = $statement_team
    and statement_status = $statement_status
group by
    provider, product, model, charge_category, attribution_method, attribution_evidence, attribution_confidence,
    split_from_team, cost_status, billing_currency
order by billing_currency asc, billed_cost desc nulls last, provider asc, product asc, model asc
