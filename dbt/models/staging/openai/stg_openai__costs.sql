with

costs as (
    select * from {{ source('openai', 'costs') }}
),

cast_costs as (
    select
        organization_id,
        project_id,
        line_item,
        upper(amount_currency) as billing_currency,
        {{ to_money('amount_value') }} as cost,
        cast(cast(start_time as timestamp) as date) as charge_date
    from costs
)

select * from cast_costs
