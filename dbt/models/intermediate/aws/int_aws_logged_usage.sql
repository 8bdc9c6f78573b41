with

requests as (
    select * from {{ ref('stg_aws_invocation_log__requests') }}
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

names as (
    select * from {{ ref('aws_model_names') }}
    where name_kind = 'model_id'
),

distinct_metadata as (
    select request_metadata
    from requests
    group by request_metadata
),

-- metadata names a team as tags do; few sets stand on many requests, so each is read once
metadata_sets as (
    select
        distinct_metadata.request_metadata,
        {{ tag_value('distinct_metadata.request_metadata', 'team') }} as metadata_team,
        {{ tag_value('distinct_metadata.request_metadata', 'product') }} as metadata_product,
        {{ tag_value('distinct_metadata.request_metadata', 'environment') }} as metadata_environment
    from distinct_metadata
),

-- a workload stands once in an account and region, an account has one payer, a model id one model, a set of metadata
-- one reading: no row is added
joined as (
    select
        payers.payer_account_id as billing_account_id,
        requests.account_id as sub_account_id,
        requests.region_id,
        requests.workload_id,
        date_trunc('hour', requests.requested_at) as hour_start,
        coalesce(workloads.provider_model_name, names.provider_model_name) as provider_model_name,
        coalesce(workloads.model, names.model) as model,
        requests.principal,
        coalesce(metadata_sets.metadata_team, workloads.native_team) as native_team,
        coalesce(metadata_sets.metadata_product, workloads.native_product) as native_product,
        coalesce(metadata_sets.metadata_environment, workloads.native_environment) as native_environment,
        requests.input_tokens,
        requests.cache_read_tokens,
        requests.cache_write_tokens,
        requests.output_tokens,
        requests.is_error
    from requests
    left join metadata_sets on requests.request_metadata is not distinct from metadata_sets.request_metadata
    left join payers on requests.account_id = payers.usage_account_id
    left join workloads
        on
            requests.account_id = workloads.sub_account_id
            and requests.region_id = workloads.region_id
            and requests.workload_id = workloads.workload_id
    left join names on {{ aws_bare_model_id('requests.workload_id') }} = names.provider_model_name
),

-- a failed call is logged too: it is counted apart, and whatever tokens it names are not usage
usage as (
    select
        'aws_invocation_log' as source,
        'aws' as provider,
        billing_account_id,
        sub_account_id,
        region_id,
        workload_id,
        hour_start,
        provider_model_name,
        model,
        cast(null as varchar) as key_id,
        principal,
        native_team,
        native_product,
        native_environment,
        cast(coalesce(sum(input_tokens) filter (where not is_error), 0) as bigint) as input_tokens,
        cast(coalesce(sum(cache_read_tokens) filter (where not is_error), 0) as bigint) as cache_read_tokens,
        cast(coalesce(sum(cache_write_tokens) filter (where not is_error), 0) as bigint) as cache_write_tokens,
        cast(coalesce(sum(output_tokens) filter (where not is_error), 0) as bigint) as output_tokens,
        false as input_is_total,
        count(*) filter (where not is_error) as request_count,
        count(*) filter (where is_error) as error_count,
        cast(null as decimal(38, 12)) as logged_cost_usd
    from joined
    group by
        billing_account_id, sub_account_id, region_id, workload_id, hour_start, provider_model_name, model, principal,
        native_team, native_product, native_environment
)

select * from usage
