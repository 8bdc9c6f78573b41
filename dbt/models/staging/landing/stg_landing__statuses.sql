with

statuses as (
    select * from {{ source('landing', 'statuses') }}
),

cast_statuses as (
    select
        source,
        account_id,
        message,
        cast(watermark as timestamp) as watermark,
        cast(last_success_at as timestamp) as last_success_at
    from statuses
)

select * from cast_statuses
