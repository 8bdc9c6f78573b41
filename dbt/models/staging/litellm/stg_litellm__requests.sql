with

requests as (
    select * from {{ source('litellm', 'requests') }}
),

cast_requests as (
    select
        id as request_id,
        litellm_call_id as call_id,
        lower(custom_llm_provider) as provider_word,
        model as model_text,
        model_map_key as base_model_text,
        api_base,
        coalesce(metadata.user_api_key_alias, metadata.user_api_key_hash) as key_id,
        coalesce(end_user, metadata.user_api_key_user_id) as principal,
        metadata.user_api_key_team_alias as team_alias,
        metadata.user_api_key_team_id as team_id,
        list_concat(
            coalesce(map_entries(metadata.user_api_key_auth_metadata), []),
            coalesce(map_entries(metadata.spend_logs_metadata), []),
            {{ tag_entries('request_tags') }},
            coalesce(map_entries(metadata.requester_metadata), [])
        ) as label_entries,
        prompt_tokens,
        completion_tokens,
        coalesce(
            metadata.usage_object.prompt_tokens_details.cached_tokens,
            metadata.usage_object.cache_read_input_tokens
        ) as cache_read_tokens,
        coalesce(
            metadata.usage_object.prompt_tokens_details.cache_creation_tokens,
            metadata.usage_object.cache_creation_input_tokens
        ) as cache_write_tokens,
        {{ to_money('response_cost') }} as cost_usd,
        coalesce(cache_hit, false) as is_cache_hit,
        coalesce(status = 'failure', false) as is_failure,
        cast("startTime" as timestamp) as started_at
    from requests
)

select * from cast_requests
