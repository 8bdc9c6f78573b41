{% set columns %}
    source, provider_word, model_text, base_model_text, api_base, cloud_account_id, key_id, principal, team_alias,
    team_id, service_environment, labels, is_failure, prompt_tokens, completion_tokens, cache_read_tokens,
    cache_write_tokens, logged_cost_usd, started_at
{% endset %}

with

litellm_requests as (
    select {{ columns }} from {{ ref('int_gateway_litellm_requests') }}
),

otel_requests as (
    select {{ columns }} from {{ ref('int_gateway_otel_requests') }}
),

providers as (
    select * from {{ ref('gateway_providers') }}
),

stacked as (
    select * from litellm_requests
    union all
    select * from otel_requests
),

-- an ARN names account, region and profile; Vertex AI's address names project and place
placed as (
    select
        stacked.*,
        providers.provider,
        nullif(regexp_extract(stacked.model_text, '(arn:aws[a-z-]*:bedrock:[^/]+/[^/]+)$', 1), '') as arn,
        regexp_extract(stacked.api_base, '/projects/([^/]+)/locations/([^/]+)', ['project', 'location']) as vertex,
        {{ azure_account_of('stacked.api_base') }} as azure_account,
        nullif(
            regexp_extract(stacked.api_base, 'bedrock[a-z-]*\.([a-z0-9-]+)\.amazonaws\.', 1), ''
        ) as bedrock_region
    from stacked
    left join providers on stacked.provider_word = providers.provider_word
),

distinct_labels as (
    select labels
    from stacked
    group by labels
),

-- few label sets stand on many requests, so each is read once
label_sets as (
    select
        labels,
        {{ tag_value('labels', 'team') }} as label_team,
        {{ tag_value('labels', 'product') }} as label_product,
        {{ tag_value('labels', 'environment') }} as label_environment
    from distinct_labels
),

-- a label set stands once: the join changes no row count
resolved as (
    select
        placed.source,
        placed.provider,
        case placed.provider
            when 'aws' then coalesce(split_part(placed.arn, ':', 5), placed.cloud_account_id)
            when 'gcp' then coalesce(nullif(placed.vertex.project, ''), placed.cloud_account_id)
        end as sub_account_id,
        case placed.provider
            when 'aws' then coalesce(split_part(placed.arn, ':', 4), placed.bedrock_region)
            when 'gcp' then nullif(placed.vertex.location, '')
        end as region_id,
        case placed.provider
            when 'aws' then regexp_extract(coalesce(placed.arn, placed.model_text), '[^/]+$')
            when 'azure'
                then placed.azure_account || '/' || lower(regexp_extract(placed.model_text, '[^/]+$'))
            when 'gcp' then nullif(placed.vertex.project, '')
        end as workload_id,
        date_trunc('hour', placed.started_at) as hour_start,
        coalesce(placed.model_text, placed.base_model_text) as provider_model_name,
        placed.base_model_text,
        placed.key_id,
        placed.principal,
        -- the team that the proxy knows the key by comes before what the caller wrote
        coalesce(
            lower(nullif(trim(placed.team_alias), '')), label_sets.label_team, lower(nullif(trim(placed.team_id), ''))
        ) as native_team,
        label_sets.label_product as native_product,
        coalesce(label_sets.label_environment, lower(placed.service_environment)) as native_environment,
        placed.is_failure,
        placed.prompt_tokens,
        placed.completion_tokens,
        placed.cache_read_tokens,
        placed.cache_write_tokens,
        placed.logged_cost_usd
    from placed
    inner join label_sets on placed.labels is not distinct from label_sets.labels
)

select * from resolved
