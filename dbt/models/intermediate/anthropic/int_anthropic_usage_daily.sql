with

usage as (
    select * from {{ ref('stg_anthropic__usage') }}
),

names as (
    select * from {{ ref('int_model_names') }}
),

-- names are unique: the join changes no row count
daily as (
    select
        usage.usage_date,
        'anthropic' as provider,
        usage.organization_id as billing_account_id,
        coalesce(usage.workspace_id, 'default') as sub_account_id,
        cast(null as varchar) as region_id,
        'global' as region_class,
        coalesce(usage.workspace_id, 'default') as workload_id,
        usage.provider_model_name,
        names.model,
        cast(null as varchar) as native_team,
        cast(null as varchar) as native_product,
        cast(null as varchar) as native_environment,
        cast(null as varchar) as native_method,
        cast(null as varchar) as carried_tags,
        cast(sum(usage.input_tokens) as bigint) as input_tokens,
        cast(sum(usage.output_tokens) as bigint) as output_tokens,
        cast(sum(usage.cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(usage.cache_write_5m_tokens + usage.cache_write_1h_tokens) as bigint) as cache_write_tokens,
        -- the report counts no requests
        cast(null as bigint) as request_count,
        cast(null as bigint) as throttled_count,
        cast(null as bigint) as error_count,
        false as input_is_total
    from usage
    left join names on {{ plain_model_name('usage.provider_model_name') }} = names.plain_name
    group by
        usage.usage_date, usage.organization_id, usage.workspace_id, usage.provider_model_name, names.model
)

select * from daily
