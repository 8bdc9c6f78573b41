{{ config(materialized='view') }}

with

file_days as (
    select * from {{ ref('int_aws_file_days') }}
),

counted as (
    select
        bill_file,
        payer_account_id,
        billing_month
    from {{ ref('int_aws_bill_routes') }}
    where is_counted
    group by bill_file, payer_account_id, billing_month
),

-- one way per payer and month counts; a file stands once for both: the join adds no row
counted_days as (
    select file_days.* exclude (bill_file, is_foreign, route_rank, loaded_at)
    from file_days
    inner join counted
        on
            file_days.bill_file = counted.bill_file
            and file_days.payer_account_id = counted.payer_account_id
            and file_days.billing_month = counted.billing_month
    where not file_days.is_foreign
),

-- AWS and Marketplace invoice apart: a month is final for one when none of its rows lacks an invoice
finality as (
    select
        payer_account_id,
        billing_month,
        billing_entity,
        sum(line_item_count) = sum(invoiced_count) as is_final
    from counted_days
    group by payer_account_id, billing_month, billing_entity
),

-- an entity's month stands once: the join changes no row count
settled as (
    select
        counted_days.*,
        finality.is_final
    from counted_days
    left join finality
        on
            counted_days.payer_account_id = finality.payer_account_id
            and counted_days.billing_month = finality.billing_month
            and counted_days.billing_entity is not distinct from finality.billing_entity
)

select * from settled
