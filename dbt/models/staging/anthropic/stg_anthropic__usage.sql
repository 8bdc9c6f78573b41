with

usage as (
    select * from {{ source('anthropic', 'usage') }}
),

cast_usage as (
    select
        organization_id,
        workspace_id,
        api_key_id,
        model as provider_model_name,
        service_tier,
        context_window,
        uncached_input_tokens as input_tokens,
        cache_read_input_tokens as cache_read_tokens,
        coalesce(cache_creation.ephemeral_5m_input_tokens, 0) as cache_write_5m_tokens,
        coalesce(cache_creation.ephemeral_1h_input_tokens, 0) as cache_write_1h_tokens,
        output_tokens,
        cast(cast(starting_at as timestamp) as date) as usage_date
    from usage
)

select * from cast_usage
