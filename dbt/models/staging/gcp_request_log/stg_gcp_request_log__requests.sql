with

requests as (
    select * from {{ source('gcp_request_log', 'requests') }}
),

cast_requests as (
    select
        project_id,
        location as region_id,
        publisher,
        model as provider_model_name,
        method,
        request_type,
        insert_id,
        response_code,
        {{ label_map('request_labels') }} as request_labels,
        {{ label_map('header_labels') }} as header_labels,
        -- Gemini counts cached tokens inside its input; Claude beside it
        case when is_cached_inside then greatest(input_tokens - cached_tokens, 0) else input_tokens end as input_tokens,
        cached_tokens as cache_read_tokens,
        cache_write_tokens,
        -- thought is output; a total that is input and output alone says that it is inside already
        case
            when total_tokens = input_tokens + output_tokens then output_tokens
            else output_tokens + coalesce(thought_tokens, 0)
        end as output_tokens,
        burned_tokens,
        latency_ms,
        first_token_ms,
        response_code like '2%' as is_answered,
        cast("timestamp" as timestamp) as requested_at,
        date_trunc('hour', cast("timestamp" as timestamp)) as hour_start
    from requests
)

select * from cast_requests
