-- each call of a model once: of spans with tokens that lie inside each other the innermost one counts
with recursive

spans as (
    select * from {{ ref('stg_otel_genai__spans') }}
),

-- an agent's span repeats the tokens of its calls, a tool's has none
calls as (
    select * from spans
    where
        is_genai
        and coalesce(operation, 'chat') not in (
            'invoke_agent', 'create_agent', 'invoke_workflow', 'execute_tool', 'plan'
        )
        and (prompt_tokens is not null or completion_tokens is not null or (is_failure and is_client))
),

ancestors as (
    select
        trace_id,
        parent_span_id as span_id,
        1 as distance
    from calls
    where parent_span_id is not null
    union
    select
        spans.trace_id,
        spans.parent_span_id as span_id,
        ancestors.distance + 1 as distance
    from ancestors
    inner join spans
        on ancestors.trace_id = spans.trace_id and ancestors.span_id = spans.span_id
    -- a trace whose spans name each other as parents must end as well
    where spans.parent_span_id is not null and ancestors.distance < 64
),

outer_spans as (
    select
        trace_id,
        span_id
    from ancestors
    group by trace_id, span_id
),

innermost as (
    select calls.*
    from calls
    left join outer_spans
        on calls.trace_id = outer_spans.trace_id and calls.span_id = outer_spans.span_id
    where outer_spans.span_id is null
),

counted as (
    select
        'otel_genai' as source,
        provider_word,
        coalesce(response_model, request_model) as base_model_text,
        request_model as model_text,
        server_address as api_base,
        cloud_account_id,
        cast(null as varchar) as key_id,
        coalesce(user_id, service_name) as principal,
        cast(null as varchar) as team_alias,
        cast(null as varchar) as team_id,
        service_environment,
        {{ first_labels('label_entries') }} as labels,
        is_failure,
        prompt_tokens,
        completion_tokens,
        cache_read_tokens,
        cache_write_tokens,
        -- a trace has no opinion of what a call costs
        cast(null as decimal(38, 12)) as logged_cost_usd,
        started_at
    from innermost
)

select * from counted
