{% set keys = "project_id, region_id, provider_model_name, metric, request_type, latency_type, hour_start" %}

with

latencies as (
    select * from {{ ref('stg_gcp_vertex__latencies') }}
    where calls > 0
),

-- one row per bucket: calls in it, and its ends; the underflow begins at zero, the last bucket is open
buckets as (
    select
        {{ keys }},
        calls,
        mean_ms,
        unnest(bucket_counts) as bucket_calls,
        unnest(list_prepend(0.0, bounds_ms)[1:len(bucket_counts)]) as lower_ms,
        unnest(list_concat(bounds_ms, [null])[1:len(bucket_counts)]) as upper_ms,
        generate_subscripts(bucket_counts, 1) as bucket
    from latencies
),

reached as (
    select
        *,
        sum(bucket_calls) over (partition by {{ keys }} order by bucket) as calls_up_to
    from buckets
),

quantiles as (
    select unnest([50, 95, 99]) as percent
),

-- the bucket in which so many per cent of the calls are reached, and how far into it
found as (
    select
        reached.*,
        quantiles.percent,
        (calls * quantiles.percent / 100.0 - (calls_up_to - bucket_calls)) / bucket_calls as share
    from reached
    cross join quantiles
    where
        bucket_calls > 0
        and calls_up_to * 100 >= calls * quantiles.percent
        and (calls_up_to - bucket_calls) * 100 < calls * quantiles.percent
),

hourly as (
    select
        {{ keys }},
        max(calls) as calls,
        max(mean_ms) as mean_ms,
        max(lower_ms + coalesce(upper_ms - lower_ms, 0) * share) filter (where percent = 50) as p50_ms,
        max(lower_ms + coalesce(upper_ms - lower_ms, 0) * share) filter (where percent = 95) as p95_ms,
        max(lower_ms + coalesce(upper_ms - lower_ms, 0) * share) filter (where percent = 99) as p99_ms
    from found
    group by {{ keys }}
)

select * from hourly
