-- each request once, whether a log file, two of them, or the proxy's table holds it
{% set columns %}
    request_id, call_id, provider_word, model_text, base_model_text, api_base, key_id, principal, team_alias, team_id,
    label_entries, prompt_tokens, completion_tokens, cache_read_tokens, cache_write_tokens, cost_usd, is_cache_hit,
    is_failure, started_at
{% endset %}

with

requests as (
    select * from {{ ref('stg_litellm__requests') }}
),

spend_logs as (
    select * from {{ ref('stg_litellm__spend_logs') }}
),

logged as (
    select {{ columns }}
    from requests
    qualify row_number() over (partition by request_id, started_at order by call_id) = 1
),

-- the table keeps milliseconds, and gives an answer from the cache an id of its own
unlogged as (
    select {{ columns }}
    from spend_logs
    where
        not exists (
            select 1
            from logged
            where
                logged.call_id = spend_logs.call_id
                and logged.is_failure = spend_logs.is_failure
        )
        and not exists (
            select 1
            from logged
            where
                regexp_replace(logged.request_id, '_cache_hit.*$', '')
                = regexp_replace(spend_logs.request_id, '_cache_hit.*$', '')
                and abs(epoch_ms(logged.started_at) - epoch_ms(spend_logs.started_at)) <= 1
        )
),

stacked as (
    select {{ columns }} from logged
    union all
    select {{ columns }} from unlogged
),

-- a provider served nothing of what the proxy had in its own cache; a cost of 0 for tokens is a price it does not know
counted as (
    select
        'litellm' as source,
        provider_word,
        model_text,
        base_model_text,
        api_base,
        cast(null as varchar) as cloud_account_id,
        key_id,
        principal,
        team_alias,
        team_id,
        cast(null as varchar) as service_environment,
        {{ first_labels('label_entries') }} as labels,
        is_failure,
        if(is_cache_hit, 0, prompt_tokens) as prompt_tokens,
        if(is_cache_hit, 0, completion_tokens) as completion_tokens,
        if(is_cache_hit, 0, cache_read_tokens) as cache_read_tokens,
        if(is_cache_hit, 0, cache_write_tokens) as cache_write_tokens,
        case
            when is_cache_hit or is_failure or cost_usd <> 0 then cost_usd
            when coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0) = 0 then cost_usd
        end as logged_cost_usd,
        started_at
    from stacked
)

select * from counted
