with

skus as (
    select * from {{ ref('int_gcp_skus') }}
),

-- the order of the conditions is the rule, as in int_gcp_skus
described as (
    select
        service_id,
        service_name,
        sku_id,
        sku,
        provider_model_name,
        model,
        token_class,
        pricing_category,
        context_band,
        is_thinking,
        is_model_service,
        case
            when not is_model_service then null
            when words like '%provisioned throughput%' then 'provisioned'
            when words similar to '.*(caching|cache) storage.*' then 'cache_storage'
            when words like '%character%' then 'characters'
            when token_class like 'cache_write%' then 'cache_write'
            when token_class = 'other' then 'unparsed'
            else token_class
        end as direction,
        case
            when provider_model_name like 'claude%' then 'anthropic'
            when provider_model_name like 'gemini%' then 'google'
            when provider_model_name is not null then 'model_garden'
        end as vendor,
        -- the last one that is named: an image model names what goes in or comes out after its own name
        case
            when is_model_service
                then nullif(regexp_extract(words, '(?:^|.*[ (])(text|image|audio|video)(?: |$)', 1), '')
        end as modality,
        case
            when pricing_category = 'other' and words like '%offpeak%' then 'offpeak'
            when words similar to '.* live .*' then 'live'
            when pricing_category in ('priority', 'flex', 'batch') then pricing_category
            when is_model_service and pricing_category = 'on_demand' then 'standard'
        end as tier,
        region_scope,
        case token_class when 'cache_write_1h' then '1h' when 'cache_write_5m' then '5m' end as cache_ttl,
        nullif(regexp_extract(words, 'provisioned throughput ([0-9]+ (week|month|year))', 1), '')
            as commitment_term
    from skus
)

select * from described
