{# a view: it only leaves out the routes that do not count, and a copy of every row would cost more than reading twice #}
{{ config(materialized='view') }}

with

classic as (
    select {{ gcp_credit_columns() }} from {{ ref('stg_gcp_billing__credits') }}
),

focus as (
    select {{ gcp_credit_columns() }} from {{ ref('stg_gcp_billing__focus_credits') }}
),

routes as (
    select * from {{ ref('int_gcp_billing_routes') }}
    where is_taken
),

all_credits as (
    select * from classic
    union all
    select * from focus
),

-- one route counts for each account and invoice month
taken as (
    select all_credits.*
    from all_credits
    inner join routes
        on
            all_credits.billing_account_id = routes.billing_account_id
            and all_credits.billing_month = routes.billing_month
            and all_credits.export_kind = routes.export_kind
            and all_credits.read_from = routes.read_from
)

select * from taken
