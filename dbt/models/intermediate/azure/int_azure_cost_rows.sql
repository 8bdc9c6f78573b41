-- the rows of the bill by the one route that counts in each month, both views
with

routes as (
    select * from {{ ref('int_azure_routes') }}
    where is_chosen
),

all_rows as (
    select {{ azure_cost_columns() }} from {{ ref('stg_azure_cost__actual_costs') }}
    union all
    select {{ azure_cost_columns() }} from {{ ref('stg_azure_cost__amortized_costs') }}
    union all
    select {{ azure_cost_columns() }} from {{ ref('stg_azure_cost__ea_costs') }}
    union all
    select {{ azure_cost_columns() }} from {{ ref('stg_azure_cost__mca_costs') }}
    union all
    select {{ azure_cost_columns() }} from {{ ref('stg_azure_cost__focus_costs') }}
),

-- one route is chosen per account and month: the join drops the rows of the others and repeats none
counted as (
    select all_rows.*
    from all_rows
    inner join routes
        on
            all_rows.billing_account_id = routes.billing_account_id
            and all_rows.window_month = routes.billing_month
            and all_rows.route = routes.route
            and all_rows.scope_kind = routes.scope_kind
)

select * from counted
