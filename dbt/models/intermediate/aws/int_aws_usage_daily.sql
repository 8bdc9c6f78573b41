with

metrics as (
    select * from {{ ref('stg_aws_bedrock__hourly_metrics') }}
),

workloads as (
    select * from {{ ref('int_aws_workloads') }}
),

payers as (
    select
        usage_account_id,
        {{ of_largest('payer_account_id', 'usage_end_at') }} as payer_account_id
    from {{ ref('int_aws_bill_days') }}
    group by usage_account_id
),

-- what CloudWatch calls a model or a system profile is the model's own id, behind the geography it routes in
names as (
    select * from {{ ref('aws_model_names') }}
    where name_kind = 'model_id'
),

-- CloudWatch has no point where nothing happened: beside a known call a missing counter is a true zero
days as (
    select
        account_id,
        region_id,
        workload_id,
        cast(hour_start as date) as usage_date,
        {{ aws_metric_total(['InputTokenCount']) }} as input_tokens,
        {{ aws_metric_total(['OutputTokenCount']) }} as output_tokens,
        {{ aws_metric_total(['CacheReadInputTokenCount', 'CacheReadInputTokens']) }} as cache_read_tokens,
        {{ aws_metric_total(['CacheWriteInputTokenCount', 'CacheWriteInputTokens']) }} as cache_write_tokens,
        {{ aws_metric_total(['Invocations']) }} as request_count,
        {{ aws_metric_total(['InvocationThrottles']) }} as throttled_count,
        {{ aws_metric_total(['InvocationClientErrors', 'InvocationServerErrors']) }} as error_count
    from metrics
    group by account_id, region_id, workload_id, cast(hour_start as date)
),

-- an id is one workload in an account and region, an account has one payer, a model id one model: no join adds a row
usage as (
    select
        days.usage_date,
        'aws' as provider,
        payers.payer_account_id as billing_account_id,
        days.account_id as sub_account_id,
        days.region_id,
        coalesce(
            workloads.region_class,
            case
                when starts_with(days.workload_id, 'global.') then 'global'
                when names.model is not null and days.workload_id <> names.provider_model_name then 'geo'
                when names.model is not null then 'regional'
            end
        ) as region_class,
        days.workload_id,
        coalesce(workloads.provider_model_name, names.provider_model_name) as provider_model_name,
        coalesce(workloads.model, names.model) as model,
        workloads.native_team,
        workloads.native_product,
        workloads.native_environment,
        workloads.native_method,
        workloads.carried_tags,
        days.input_tokens,
        days.output_tokens,
        days.cache_read_tokens,
        days.cache_write_tokens,
        days.request_count,
        days.throttled_count,
        days.error_count,
        false as input_is_total
    from days
    left join payers on days.account_id = payers.usage_account_id
    left join workloads
        on
            days.account_id = workloads.sub_account_id
            and days.region_id = workloads.region_id
            and days.workload_id = workloads.workload_id
    left join names on {{ aws_bare_model_id('days.workload_id') }} = names.provider_model_name
)

select * from usage
