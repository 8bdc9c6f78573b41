with

usage as (
    select * from {{ ref('stg_openai__usage') }}
),

names as (
    select * from {{ ref('int_model_names') }}
),

-- names are unique: the join changes no row count
daily as (
    select
        usage.usage_date,
        'openai' as provider,
        usage.organization_id as billing_account_id,
        usage.project_id as sub_account_id,
        cast(null as varchar) as region_id,
        'global' as region_class,
        usage.project_id as workload_id,
        usage.provider_model_name,
        names.model,
        cast(null as varchar) as native_team,
        cast(null as varchar) as native_product,
        cast(null as varchar) as native_environment,
        cast(null as varchar) as native_method,
        cast(null as varchar) as carried_tags,
        cast(sum(usage.input_tokens) as bigint) as input_tokens,
        cast(sum(usage.output_tokens) as bigint) as output_tokens,
        {{ known_sum('usage.cache_read_tokens', 'bigint') }} as cache_read_tokens,
        cast(sum(usage.cache_write_tokens) as bigint) as cache_write_tokens,
        cast(sum(usage.request_count) as bigint) as request_count,
        cast(null as bigint) as throttled_count,
        cast(null as bigint) as error_count,
        count(usage.cache_read_tokens) < count(*) as input_is_total
    from usage
    left join names on {{ plain_model_name('usage.provider_model_name') }} = names.plain_name
    group by
        usage.usage_date, usage.organization_id, usage.project_id, usage.provider_model_name, names.model
)

select * from daily
