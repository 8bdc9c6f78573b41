with

costs as (
    select * from {{ ref('int_azure_cost_rows') }}
    where view = 'actual'
),

metrics as (
    select * from {{ ref('stg_azure_openai__hourly_metrics') }}
),

reservations as (
    select * from {{ ref('stg_azure_reservations__summaries') }}
),

gateway_calls as (
    select * from {{ ref('int_azure_gateway_calls') }}
),

-- usage takes up to a day to reach the bill, so a day counts as whole a day after its end
settled_days as (
    select
        billing_account_id,
        charge_date
    from costs
    where
        charge_type = 'Usage'
        and charge_date + interval '2 days' <= timestamp '{{ var("as_of") }}'
    group by billing_account_id, charge_date
),

-- in days without a gap, day minus rank is the same for all; the first run of such days is the unbroken one
unbroken_days as (
    select
        billing_account_id,
        charge_date,
        charge_date - cast(row_number() over (partition by billing_account_id order by charge_date) as integer) as run,
        min(charge_date) over (partition by billing_account_id) - 1 as first_run
    from settled_days
),

complete as (
    select
        billing_account_id,
        max(charge_date) as complete_through
    from unbroken_days
    where run = first_run
    group by billing_account_id
),

-- what the billing account alone shows is bought now and then; it is as complete as the usage beside it
cost_status as (
    select
        'azure_cost' as source,
        coalesce(costs.sub_account_id, costs.billing_account_id) as account_id,
        cast(max(costs.charge_date) as timestamp) + interval '1 day' as watermark,
        case
            when costs.sub_account_id is null then max(complete.complete_through)
            else least(max(costs.charge_date), max(complete.complete_through))
        end as complete_through,
        count(*) as rows
    from costs
    left join complete
        on costs.billing_account_id = complete.billing_account_id
    group by costs.sub_account_id, costs.billing_account_id
),

metric_status as (
    select
        'azure_openai' as source,
        sub_account_id as account_id,
        max(hour_start) + interval '1 hour' as watermark,
        cast(max(hour_start) + interval '1 hour' as date) - 1 as complete_through,
        count(*) as rows
    from metrics
    group by sub_account_id
),

reservation_status as (
    select
        'azure_reservations' as source,
        billing_account_id as account_id,
        cast(max(usage_date) as timestamp) + interval '1 day' as watermark,
        max(usage_date) as complete_through,
        count(*) as rows
    from reservations
    group by billing_account_id
),

gateway_status as (
    select
        'azure_gateway_log' as source,
        place_id as account_id,
        max(hour_start) + interval '1 hour' as watermark,
        cast(max(hour_start) + interval '1 hour' as date) - 1 as complete_through,
        count(*) as rows
    from gateway_calls
    group by place_id
),

all_status as (
    select * from cost_status
    union all
    select * from metric_status
    union all
    select * from reservation_status
    union all
    select * from gateway_status
)

select
    source,
    'azure' as provider,
    account_id,
    watermark,
    cast(complete_through as date) as complete_through,
    cast(rows as bigint) as rows,
    cast(null as varchar) as message
from all_status
