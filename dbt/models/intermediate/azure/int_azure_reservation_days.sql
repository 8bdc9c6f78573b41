-- the two utilisations of reserved capacity: reserved against deployed hours, and deployed against used ones
with

summaries as (
    select * from {{ ref('stg_azure_reservations__summaries') }}
),

details as (
    select * from {{ ref('stg_azure_reservations__details') }}
),

capacity as (
    select
        lower(split_part(capacity_id, '/', 1)) as account_name,
        cast(hour_start as date) as usage_date,
        sum(units) as deployed_hours,
        sum(units * utilization_ratio) as busy_hours
    from {{ ref('int_azure_capacity_hourly') }}
    group by lower(split_part(capacity_id, '/', 1)), cast(hour_start as date)
),

-- what the accounts that a reservation covers did with all their PTUs, weighed by the hours that it covered
busy as (
    select
        details.billing_account_id,
        details.reservation_id,
        details.usage_date,
        sum(details.used_hours * capacity.busy_hours / nullif(capacity.deployed_hours, 0)) as busy_hours
    from details
    inner join capacity
        on
            regexp_extract(details.resource_id, '/accounts/([^/]+)', 1) = capacity.account_name
            and details.usage_date = capacity.usage_date
    group by details.billing_account_id, details.reservation_id, details.usage_date
)

select
    summaries.billing_account_id,
    summaries.reservation_order_id,
    summaries.reservation_id,
    summaries.sku_name,
    summaries.usage_date,
    summaries.reserved_hours,
    summaries.used_hours as deployed_hours,
    cast(busy.busy_hours as decimal(18, 6)) as busy_hours,
    cast(summaries.used_hours / nullif(summaries.reserved_hours, 0) as decimal(18, 12)) as reservation_ratio,
    cast(busy.busy_hours / nullif(summaries.used_hours, 0) as decimal(18, 12)) as capacity_ratio
from summaries
left join busy
    on
        summaries.billing_account_id = busy.billing_account_id
        and summaries.reservation_id = busy.reservation_id
        and summaries.usage_date = busy.usage_date
