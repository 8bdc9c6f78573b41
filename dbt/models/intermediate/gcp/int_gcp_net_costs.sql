with

bill_rows as (
    select * from {{ ref('int_gcp_bill_rows') }}
),

credits as (
    select * from {{ ref('int_gcp_credits') }}
),

-- credits stand beside what they lower, never joined to it
stacked as (
    select
        billing_account_id,
        billing_month,
        billing_currency,
        service_id,
        service_name,
        list_cost,
        cost,
        cast(0 as decimal(38, 12)) as promotion_credits,
        cast(0 as decimal(38, 12)) as other_credits
    from bill_rows
    union all
    select
        billing_account_id,
        billing_month,
        billing_currency,
        service_id,
        service_name,
        cast(0 as decimal(38, 12)) as list_cost,
        cast(0 as decimal(38, 12)) as cost,
        case when credit_type = 'PROMOTION' then amount else 0 end as promotion_credits,
        case when credit_type = 'PROMOTION' then 0 else amount end as other_credits
    from credits
),

-- Google treats promotions as a way to pay: spend is real without them
net as (
    select
        billing_account_id,
        billing_month,
        billing_currency,
        service_id,
        service_name,
        {{ known_sum('list_cost') }} as list_cost,
        cast(sum(cost) as decimal(38, 12)) as gross_cost,
        cast(sum(promotion_credits) as decimal(38, 12)) as promotion_credits,
        cast(sum(other_credits) as decimal(38, 12)) as other_credits,
        cast(sum(cost) + sum(other_credits) as decimal(38, 12)) as net_cost_before_promotions,
        cast(sum(cost) + sum(other_credits) + sum(promotion_credits) as decimal(38, 12)) as net_cost
    from stacked
    group by billing_account_id, billing_month, billing_currency, service_id, service_name
)

select * from net
