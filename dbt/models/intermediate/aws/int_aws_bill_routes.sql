with

file_days as (
    select * from {{ ref('int_aws_file_days') }}
),

files as (
    select
        bill_file,
        route_rank,
        is_foreign,
        payer_account_id,
        billing_month,
        currency_code,
        cast(sum(unblended_cost) as decimal(38, 12)) as landed_cost,
        cast(sum(line_item_count) as bigint) as line_item_count,
        max(loaded_at) as loaded_at
    from file_days
    group by bill_file, route_rank, is_foreign, payer_account_id, billing_month, currency_code
),

-- an export lands one file per period: all its files stand or fall together
exports as (
    select
        *,
        regexp_replace(bill_file, '/window_start=.*', '') as bill_export
    from files
),

-- the same month may have come by several ways: the most detailed counts, of equals the one that was loaded last
ranked as (
    select
        payer_account_id,
        billing_month,
        bill_export,
        row_number() over (
            partition by payer_account_id, billing_month
            order by min(route_rank) asc, max(loaded_at) desc, bill_export asc
        ) as place
    from exports
    where not is_foreign
    group by payer_account_id, billing_month, bill_export
),

-- an export has one place for a payer and month: the join changes no row count
routes as (
    select
        exports.*,
        coalesce(ranked.place = 1, false) and not exports.is_foreign as is_counted
    from exports
    left join ranked
        on
            exports.payer_account_id = ranked.payer_account_id
            and exports.billing_month = ranked.billing_month
            and exports.bill_export = ranked.bill_export
)

select * from routes
