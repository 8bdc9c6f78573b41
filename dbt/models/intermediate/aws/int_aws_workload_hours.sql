{{ config(materialized='view') }}

with

metrics as (
    select * from {{ ref('stg_aws_bedrock__hourly_metrics') }}
),

workloads as (
    select * from {{ ref('int_aws_workloads') }}
),

names as (
    select * from {{ ref('aws_model_names') }}
    where name_kind = 'model_id'
),

counted as (
    select
        account_id,
        region_id,
        workload_id,
        hour_start,
        {{ aws_metric_total(['InputTokenCount']) }} as input_tokens,
        {{ aws_metric_total(['CacheReadInputTokenCount', 'CacheReadInputTokens']) }} as cache_read_tokens,
        {{ aws_metric_total(['CacheWriteInputTokenCount', 'CacheWriteInputTokens']) }} as cache_write_tokens,
        {{ aws_metric_total(['OutputTokenCount']) }} as output_tokens
    from metrics
    group by account_id, region_id, workload_id, hour_start
),

-- an id is one workload in an account and region, a model id one model: no join adds a row
hours as (
    select
        counted.hour_start,
        'aws' as provider,
        counted.account_id as sub_account_id,
        counted.workload_id,
        coalesce(workloads.model, names.model) as model,
        counted.input_tokens,
        counted.cache_read_tokens,
        counted.cache_write_tokens,
        counted.output_tokens
    from counted
    left join workloads
        on
            counted.account_id = workloads.sub_account_id
            and counted.region_id = workloads.region_id
            and counted.workload_id = workloads.workload_id
    left join names on {{ aws_bare_model_id('counted.workload_id') }} = names.provider_model_name
)

select * from hours
