with

requests as (
    select * from {{ ref('int_gateway_requests') }}
),

names as (
    select * from {{ ref('int_model_names') }}
),

usage as (
    select * from {{ ref('int_usage_daily') }}
),

-- what a cloud's own meters know of a workload, where they know one of that name
workloads as (
    select
        provider,
        workload_id,
        min(billing_account_id) as billing_account_id,
        min(sub_account_id) as sub_account_id,
        min(region_id) as region_id,
        case when count(distinct model) = 1 then min(model) end as model
    from usage
    where workload_id is not null
    group by provider, workload_id
    having
        count(distinct billing_account_id) <= 1
        and count(distinct sub_account_id) <= 1
        and count(distinct region_id) <= 1
),

-- names and workloads are unique: the joins change no row count
described as (
    select
        requests.*,
        workloads.billing_account_id,
        coalesce(requests.sub_account_id, workloads.sub_account_id) as found_account_id,
        coalesce(requests.region_id, workloads.region_id) as found_region_id,
        -- a name that says the model, else the model behind the deployment or profile
        coalesce(
            named.model, base.model, case when requests.provider in ('aws', 'azure') then workloads.model end
        ) as model,
        {{ uncached_tokens('requests.prompt_tokens', 'requests.cache_read_tokens', 'requests.cache_write_tokens') }}
            as input_tokens,
        coalesce(requests.cache_read_tokens, requests.cache_write_tokens) is null
        and requests.prompt_tokens is not null as input_is_total
    from requests
    left join names as named
        on {{ plain_model_name('requests.provider_model_name') }} = named.plain_name
    left join names as base
        on {{ plain_model_name('requests.base_model_text') }} = base.plain_name
    left join workloads
        on requests.provider = workloads.provider and requests.workload_id = workloads.workload_id
),

hourly as (
    select
        source,
        provider,
        billing_account_id,
        found_account_id as sub_account_id,
        found_region_id as region_id,
        workload_id,
        hour_start,
        provider_model_name,
        model,
        key_id,
        principal,
        native_team,
        native_product,
        native_environment,
        cast(sum(input_tokens) as bigint) as input_tokens,
        cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(cache_write_tokens) as bigint) as cache_write_tokens,
        cast(sum(completion_tokens) as bigint) as output_tokens,
        input_is_total,
        count(*) filter (where not is_failure) as request_count,
        count(*) filter (where is_failure) as error_count,
        {{ known_sum('logged_cost_usd') }} as logged_cost_usd
    from described
    group by
        source, provider, billing_account_id, found_account_id, found_region_id, workload_id, hour_start,
        provider_model_name, model, key_id, principal, native_team, native_product, native_environment,
        input_is_total
)

select * from hourly
