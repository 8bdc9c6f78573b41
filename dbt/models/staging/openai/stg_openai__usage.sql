with

usage as (
    select * from {{ source('openai', 'usage') }}
),

cast_usage as (
    select
        organization_id,
        project_id,
        api_key_id,
        model as provider_model_name,
        service_tier,
        {{ uncached_tokens('input_tokens', 'input_cached_tokens', 'input_cache_write_tokens') }} as input_tokens,
        input_cached_tokens as cache_read_tokens,
        input_cache_write_tokens as cache_write_tokens,
        output_tokens,
        num_model_requests as request_count,
        coalesce(batch, false) as is_batch,
        cast(cast(start_time as timestamp) as date) as usage_date
    from usage
)

select * from cast_usage
