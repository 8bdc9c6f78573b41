{{ config(materialized='view') }}

with

token_counts as (
    select * from {{ ref('stg_gcp_vertex__token_counts') }}
),

model_names as (
    select * from {{ ref('gcp_model_names') }}
    where name_kind = 'metric'
),

-- a model without a series of cached tokens counts them as input: they stay unknown
hours as (
    select
        token_counts.hour_start,
        'gcp' as provider,
        token_counts.project_id as sub_account_id,
        token_counts.project_id as workload_id,
        model_names.model,
        cast(sum(token_counts.tokens) filter (where token_counts.direction = 'input') as bigint) as input_tokens,
        cast(sum(token_counts.tokens) filter (where token_counts.direction = 'cache_read_input') as bigint)
            as cache_read_tokens,
        cast(
            sum(token_counts.tokens) filter (where token_counts.direction in ('cache_write_input', 'cache_write_1h_input'))
            as bigint
        ) as cache_write_tokens,
        cast(sum(token_counts.tokens) filter (where token_counts.direction = 'output') as bigint) as output_tokens
    from token_counts
    inner join model_names on token_counts.provider_model_name = model_names.provider_model_name
    group by token_counts.hour_start, token_counts.project_id, model_names.model
)

select * from hours
