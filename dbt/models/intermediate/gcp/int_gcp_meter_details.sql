with

token_counts as (
    select * from {{ ref('stg_gcp_vertex__token_counts') }}
),

classed as (
    select
        project_id,
        region_id,
        provider_model_name,
        cast(hour_start as date) as usage_date,
        case direction
            when 'input' then 'input'
            when 'output' then 'output'
            when 'cache_read_input' then 'cache_read'
            when 'cache_write_input' then 'cache_write_5m'
            when 'cache_write_1h_input' then 'cache_write_5m'
        end as token_class,
        request_type = 'dedicated' as is_dedicated,
        extract(hour from hour_start) < {{ pacific_midnight_hour('cast(hour_start as date)') }} as is_before_pacific_midnight,
        tokens
    from token_counts
),

daily as (
    select
        project_id,
        region_id,
        provider_model_name,
        usage_date,
        token_class,
        cast(coalesce(sum(tokens) filter (where is_dedicated), 0) as bigint) as dedicated_tokens,
        -- of the tokens that are paid one by one: those of the Pacific day before
        cast(
            coalesce(sum(tokens) filter (where not is_dedicated and is_before_pacific_midnight), 0) as bigint
        ) as early_tokens
    from classed
    where token_class is not null
    group by project_id, region_id, provider_model_name, usage_date, token_class
)

select * from daily
