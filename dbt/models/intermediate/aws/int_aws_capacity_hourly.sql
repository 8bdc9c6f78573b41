with

line_items as (
    select *
    from {{ ref('int_aws_line_items') }}
    where
        contains(lower(usage_type), 'provisionedthroughput')
        and not is_foreign
        and (bill_file, payer_account_id, billing_month) in (
            select (bill_file, payer_account_id, billing_month)
            from {{ ref('int_aws_bill_routes') }}
            where is_counted
        )
),

metrics as (
    select * from {{ ref('stg_aws_bedrock__hourly_metrics') }}
),

workloads as (
    select * from {{ ref('int_aws_workloads') }}
),

prices as (
    select * from {{ ref('stg_prices__capacity_prices') }}
    where provider = 'aws' and unit_kind = 'model_unit'
),

-- the discount stands as a row of its own beside the usage: an hour costs the sum of both, its units are billed once
billed_hours as (
    select
        payer_account_id,
        usage_account_id,
        resource_id,
        usage_start_at as hour_start,
        cast(sum(case when line_item_type = 'Usage' then usage_amount else 0 end) as decimal(18, 6)) as units,
        cast(sum(unblended_cost) as decimal(38, 12)) as capacity_cost_usd
    from line_items
    where currency_code = 'USD' and resource_id is not null
    group by payer_account_id, usage_account_id, resource_id, usage_start_at
),

served as (
    select
        model_id as resource_id,
        hour_start,
        cast(sum(total) filter (where metric in ('InputTokenCount', 'CacheWriteInputTokenCount')) as bigint)
            as input_tokens,
        cast(sum(total) filter (where metric = 'CacheReadInputTokenCount') as bigint) as cached_tokens,
        cast(sum(total) filter (where metric = 'OutputTokenCount') as bigint) as output_tokens
    from metrics
    where contains(model_id, ':provisioned-model/')
    group by model_id, hour_start
),

-- a resource is one workload and an hour is served once: the joins change no row count
hours as (
    select
        workloads.workload_id as capacity_id,
        'aws' as provider,
        billed_hours.payer_account_id as billing_account_id,
        billed_hours.usage_account_id as sub_account_id,
        workloads.workload_id,
        workloads.region_id,
        billed_hours.hour_start,
        'model_unit' as unit_kind,
        billed_hours.units,
        workloads.model,
        'regional' as price_scope,
        billed_hours.capacity_cost_usd,
        cast(coalesce(served.input_tokens, 0) as bigint) as input_tokens,
        cast(coalesce(served.cached_tokens, 0) as bigint) as cached_tokens,
        cast(coalesce(served.output_tokens, 0) as bigint) as output_tokens
    from billed_hours
    inner join workloads on billed_hours.resource_id = workloads.resource_id
    left join served
        on billed_hours.resource_id = served.resource_id and billed_hours.hour_start = served.hour_start
),

rated as (
    select
        hours.*,
        max(prices.tokens_per_minute_per_unit) as tokens_per_minute_per_unit,
        max(prices.output_weight) as output_weight
    from hours
    left join prices
        on
            hours.model = prices.model
            and {{ holds_on('prices', 'cast(hours.hour_start as date)') }}
    group by all
),

-- AWS publishes no tokens per minute of a model unit: without one in the prices utilisation stays unknown
utilised as (
    select
        * exclude (tokens_per_minute_per_unit, output_weight),
        -- least() would take 1 where the ratio is unknown
        case
            when tokens_per_minute_per_unit * units > 0
                then cast(
                    least(
                        1,
                        (input_tokens + output_tokens * coalesce(output_weight, 1))
                        / (60 * tokens_per_minute_per_unit * units)
                    ) as decimal(18, 12)
                )
        end as utilization_ratio
    from rated
)

-- a model unit that is full throttles; Bedrock spills nothing to on-demand by itself
select
    *,
    cast(0 as bigint) as spill_input_tokens,
    cast(0 as bigint) as spill_cached_tokens,
    cast(0 as bigint) as spill_output_tokens
from utilised
