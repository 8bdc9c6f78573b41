with

quarantined_rows as (
    select * from {{ ref('stg_landing__quarantined_rows') }}
),

counted as (
    select
        source,
        stream,
        billing_account_id,
        billing_month,
        file_name,
        reason,
        billing_currency,
        min(row_text) as example_row,
        count(*) as row_count,
        count(*) - count(amount) as unknown_amount_count,
        -- dollars that could be read; rows whose cost could not are counted beside them
        cast(sum(amount) as decimal(38, 12)) as known_amount,
        max(loaded_at) as loaded_at
    from quarantined_rows
    group by source, stream, billing_account_id, billing_month, file_name, reason, billing_currency
)

select * from counted
