with

latencies as (
    select * from {{ ref('stg_aws_bedrock__hourly_latencies') }}
),

metrics as (
    select * from {{ ref('stg_aws_bedrock__hourly_metrics') }}
),

timed as (
    select
        account_id,
        region_id,
        workload_id,
        hour_start,
        sum(value) filter (where metric = 'InvocationLatency' and statistic = 'Sum') as latency_sum_ms,
        sum(value) filter (where metric = 'InvocationLatency' and statistic = 'SampleCount') as latency_count,
        max(value) filter (where metric = 'InvocationLatency' and statistic = 'p90') as latency_p90_ms,
        sum(value) filter (where metric = 'TimeToFirstToken' and statistic = 'Sum') as first_token_sum_ms,
        sum(value) filter (where metric = 'TimeToFirstToken' and statistic = 'SampleCount') as first_token_count,
        max(value) filter (where metric = 'TimeToFirstToken' and statistic = 'p90') as first_token_p90_ms
    from latencies
    group by account_id, region_id, workload_id, hour_start
),

counted as (
    select
        account_id,
        region_id,
        workload_id,
        hour_start,
        {{ aws_metric_total(['Invocations']) }} as request_count,
        {{ aws_metric_total(['InvocationThrottles']) }} as throttled_count,
        {{ aws_metric_total(['InvocationClientErrors']) }} as client_error_count,
        {{ aws_metric_total(['InvocationServerErrors']) }} as server_error_count
    from metrics
    group by account_id, region_id, workload_id, hour_start
),

-- both have one row per workload and hour; an hour of throttles alone has no latency
joined as (
    select
        counted.account_id as sub_account_id,
        counted.region_id,
        counted.workload_id,
        counted.hour_start,
        counted.request_count,
        counted.throttled_count,
        counted.client_error_count,
        counted.server_error_count,
        timed.latency_count,
        timed.latency_sum_ms,
        cast(timed.latency_sum_ms / nullif(timed.latency_count, 0) as decimal(18, 3)) as latency_mean_ms,
        timed.latency_p90_ms,
        timed.first_token_count,
        timed.first_token_sum_ms,
        cast(timed.first_token_sum_ms / nullif(timed.first_token_count, 0) as decimal(18, 3)) as first_token_mean_ms,
        timed.first_token_p90_ms
    from counted
    left join timed
        on
            counted.account_id = timed.account_id
            and counted.region_id = timed.region_id
            and counted.workload_id = timed.workload_id
            and counted.hour_start = timed.hour_start
)

select * from joined
