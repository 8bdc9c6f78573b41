-- which billing account pays for a subscription, as its cost rows say
with

costs as (
    select * from {{ ref('int_azure_costs') }}
    where sub_account_id is not null
),

newest as (
    select
        sub_account_id,
        {{ of_largest('billing_account_id', 'charge_date') }} as billing_account_id
    from costs
    group by sub_account_id
)

select * from newest
