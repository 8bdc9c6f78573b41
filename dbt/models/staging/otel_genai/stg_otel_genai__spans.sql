with

spans as (
    select * from {{ source('otel_genai', 'spans') }}
    qualify
        row_number() over (
            partition by "traceId", "spanId" order by cardinality(attributes) desc nulls last, _window_start
        ) = 1
),

-- names of the conventions in force first, then those of earlier ones
cast_spans as (
    select
        "traceId" as trace_id,
        "spanId" as span_id,
        "parentSpanId" as parent_span_id,
        kind = 3 as is_client,
        attributes['gen_ai.operation.name'] as operation,
        lower(coalesce(attributes['gen_ai.provider.name'], attributes['gen_ai.system'])) as provider_word,
        attributes['gen_ai.request.model'] as request_model,
        attributes['gen_ai.response.model'] as response_model,
        attributes['server.address'] as server_address,
        coalesce(attributes['cloud.account.id'], resource['cloud.account.id']) as cloud_account_id,
        resource['service.name'] as service_name,
        coalesce(attributes['enduser.id'], attributes['user.id']) as user_id,
        coalesce(
            resource['deployment.environment.name'], resource['deployment.environment']
        ) as service_environment,
        list_concat(
            list_transform(
                coalesce(map_entries(attributes), []),
                lambda entry: {
                    'key': replace(entry.key, 'traceloop.association.properties.', ''),
                    'value': entry.value
                }
            ),
            coalesce(map_entries(resource), [])
        ) as label_entries,
        cast(coalesce(
            attributes['gen_ai.usage.input_tokens'], attributes['gen_ai.usage.prompt_tokens']
        ) as bigint) as prompt_tokens,
        cast(coalesce(
            attributes['gen_ai.usage.output_tokens'], attributes['gen_ai.usage.completion_tokens']
        ) as bigint) as completion_tokens,
        cast(coalesce(
            attributes['gen_ai.usage.cache_read.input_tokens'],
            attributes['gen_ai.usage.cache_read_input_tokens'],
            attributes['gen_ai.usage.input_tokens.cached']
        ) as bigint) as cache_read_tokens,
        cast(coalesce(
            attributes['gen_ai.usage.cache_creation.input_tokens'],
            attributes['gen_ai.usage.cache_write.input_tokens'],
            attributes['gen_ai.usage.cache_creation_input_tokens']
        ) as bigint) as cache_write_tokens,
        coalesce(status_code = 2, false) or attributes['error.type'] is not null as is_failure,
        attributes is not null as is_genai,
        cast(make_timestamp_ns("startTimeUnixNano") as timestamp) as started_at
    from spans
)

select * from cast_spans
