with

quarantined_rows as (
    select * from {{ source('landing', 'quarantined_rows') }}
),

cast_rows as (
    select
        source,
        stream,
        billing_account_id,
        file as file_name,
        reason,
        row as row_text,
        currency as billing_currency,
        {{ to_money('amount') }} as amount,
        cast(billing_month as date) as billing_month,
        cast(_loaded_at as timestamp) as loaded_at
    from quarantined_rows
)

select * from cast_rows
