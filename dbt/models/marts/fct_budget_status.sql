with

budgets as (
    select * from {{ ref('stg_config__budgets') }}
),

spend as (
    select * from {{ ref('fct_spend_daily') }}
    where cost_status <> 'estimate'
),

months as (
    select distinct billing_month from spend
),

-- in the budget's currency: USD at the rate of the bill, any other only as billed; NULL when that leaves a charge out
monthly_spend as (
    select
        budgets.budget_id,
        months.billing_month,
        case
            when budgets.currency = 'USD' and budgets.cost_basis = 'billed' then spend.billed_cost_usd
            when budgets.currency = 'USD' then spend.effective_cost_usd
            when spend.billing_currency = budgets.currency and budgets.cost_basis = 'billed'
                then spend.billed_cost
            when spend.billing_currency = budgets.currency then spend.effective_cost
        end as cost
    from budgets
    inner join months
        on
            {{ holds_on('budgets', 'months.billing_month') }}
    inner join spend
        on
            months.billing_month = spend.billing_month
            and budgets.team = spend.team
            and (budgets.product is null or budgets.product = spend.product)
),

spent_months as (
    select
        budget_id,
        billing_month,
        {{ known_sum('cost') }} as spent,
        count(*) as charge_count
    from monthly_spend
    group by budget_id, billing_month
),

-- a month in which the team was billed nothing has spent exactly 0
budgeted as (
    select
        budgets.budget_id,
        budgets.team,
        budgets.product,
        months.billing_month,
        budgets.currency,
        budgets.cost_basis,
        budgets.warn_at_pct,
        budgets.monthly_amount as budget,
        case
            when spent_months.charge_count is null then cast(0 as decimal(38, 12))
            else spent_months.spent
        end as spent
    from budgets
    inner join months
        on
            {{ holds_on('budgets', 'months.billing_month') }}
    left join spent_months
        on
            budgets.budget_id = spent_months.budget_id
            and months.billing_month = spent_months.billing_month
),

judged as (
    select
        budget_id,
        team,
        product,
        billing_month,
        currency,
        cost_basis,
        spent,
        cast(null as decimal(38, 12)) as forecast,
        budget,
        case
            when spent > budget then 'over'
            when spent * 100 >= budget * warn_at_pct then 'at_risk'
            when spent is not null then 'ok'
        end as status
    from budgeted
)

select * from judged
