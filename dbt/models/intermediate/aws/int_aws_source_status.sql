with

bill_days as (
    select * from {{ ref('int_aws_bill_days') }}
),

routes as (
    select * from {{ ref('int_aws_bill_routes') }}
),

metrics as (
    select * from {{ ref('stg_aws_bedrock__hourly_metrics') }}
),

loads as (
    select * from {{ ref('stg_landing__statuses') }}
    where source = 'aws_bedrock'
),

-- Bedrock alone: other services would hide a day on which its rows are late
billed_days as (
    select
        payer_account_id,
        usage_date,
        max(usage_end_at) as usage_end_at,
        lead(usage_date) over (partition by payer_account_id order by usage_date) as next_usage_date
    from bill_days
    where is_bedrock and line_item_type = 'Usage'
    group by payer_account_id, usage_date
),

-- the newest day counts once the bill has passed its end; a day without any row ends what is complete
bill_reach as (
    select
        payer_account_id,
        cast(max(usage_end_at) as timestamp) as watermark,
        coalesce(
            min(usage_date) filter (where next_usage_date > usage_date + 1),
            cast(max(usage_end_at) as date) - 1
        ) as complete_through
    from billed_days
    group by payer_account_id
),

bill_status as (
    select
        'aws_cur' as source,
        bill_days.payer_account_id as account_id,
        max(bill_reach.watermark) as watermark,
        max(bill_reach.complete_through) as complete_through,
        cast(sum(bill_days.line_item_count) as bigint) as rows,
        cast(null as varchar) as message
    from bill_days
    left join bill_reach on bill_days.payer_account_id = bill_reach.payer_account_id
    group by bill_days.payer_account_id
),

-- a FOCUS file may hold other clouds' rows: they are landed, and are no AWS cost
foreign_status as (
    select
        'aws_cur' as source,
        payer_account_id as account_id,
        cast(null as timestamp) as watermark,
        cast(null as date) as complete_through,
        cast(sum(line_item_count) as bigint) as rows,
        cast(sum(line_item_count) as varchar) || ' rows of another provider, '
        || cast(sum(landed_cost) as varchar) || ' ' || any_value(currency_code) || ', are not counted as AWS.' as message
    from routes
    where is_foreign
    group by payer_account_id
),

-- a silent account has no point, so its metrics reach as far as it was read
metric_status as (
    select
        'aws_bedrock' as source,
        metrics.account_id,
        max(metrics.hour_start) + interval 1 hour as watermark,
        cast(max(loads.last_success_at) as date) - 1 as complete_through,
        count(*) as rows,
        cast(null as varchar) as message
    from metrics
    left join loads on metrics.account_id = loads.account_id
    group by metrics.account_id
),

statuses as (
    select * from bill_status
    union all
    select * from foreign_status
    union all
    select * from metric_status
)

select
    source,
    'aws' as provider,
    account_id,
    watermark,
    complete_through,
    rows,
    message
from statuses
