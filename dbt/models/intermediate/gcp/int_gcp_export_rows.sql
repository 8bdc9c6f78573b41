{# a view: it only leaves out the routes that do not count, and a copy of every row would cost more than reading twice #}
{{ config(materialized='view') }}

with

classic as (
    select {{ gcp_row_columns() }} from {{ ref('stg_gcp_billing__export_rows') }}
),

focus as (
    select {{ gcp_row_columns() }} from {{ ref('stg_gcp_billing__focus_rows') }}
),

routes as (
    select * from {{ ref('int_gcp_billing_routes') }}
    where is_taken
),

all_rows as (
    select * from classic
    union all
    select * from focus
),

-- one route counts for each account and invoice month
taken as (
    select all_rows.*
    from all_rows
    inner join routes
        on
            all_rows.billing_account_id = routes.billing_account_id
            and all_rows.billing_month = routes.billing_month
            and all_rows.export_kind = routes.export_kind
            and all_rows.read_from = routes.read_from
)

select * from taken
