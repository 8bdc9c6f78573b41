with

export_rows as (
    select * from {{ ref('int_gcp_export_rows') }}
),

model_names as (
    select * from {{ ref('gcp_model_names') }}
    where name_kind = 'sku'
),

billed_skus as (
    select
        service_id,
        service_name,
        sku_id,
        sku,
        -- dashes of any kind part words; a hyphen inside a name does too
        trim(lower(regexp_replace(regexp_replace(sku, '[—–-]', ' ', 'g'), '\s+', ' ', 'g'))) as words,
        service_id in ('C7E2-9256-1C43', 'AEFD-7695-64FA')
        or service_name in ('Vertex AI', 'Gemini API', 'Generative Language API')
        or service_name like 'Claude %' as is_model_service
    from export_rows
    group by service_id, service_name, sku_id, sku
),

-- the order of the conditions is the rule: lite before flash, storage before caching, cache before input and output,
-- output before input because "short input text" names a price band of outputs too
parsed as (
    select
        service_id,
        service_name,
        sku_id,
        sku,
        words,
        is_model_service,
        case
            when not is_model_service then null
            when words similar to '.*claude (opus|sonnet|haiku) [0-9].*'
                then rtrim(
                    regexp_replace(
                        regexp_extract(words, 'claude (opus|sonnet|haiku) [0-9]+([ .][0-9]+)?'),
                        '^claude ([a-z]+) ([0-9]+)[ .]?([0-9]*)$',
                        'claude-\1-\2.\3'
                    ),
                    '.'
                )
            when words similar to '.*claude [0-9].* (opus|sonnet|haiku).*'
                then replace(regexp_extract(words, 'claude [0-9]+([ .][0-9]+)? (opus|sonnet|haiku)'), ' ', '-')
            when words similar to '.*gemini embedding [0-9]+.*'
                then replace(regexp_extract(words, 'gemini embedding [0-9]+'), ' ', '-')
            when words like '%gemini%'
                then replace(replace(
                    nullif(regexp_extract(
                        words, 'gemini [0-9][0-9./ ]*(flash lite live|flash lite|flash live|flash|pro|ultra|nano)'
                    ), ''),
                    ' / ', '/'
                ), ' ', '-')
                -- "image" before a direction is a modality, unless a modality follows it: then it names the image model
                || case when words similar to '.* image (text|image) .*(in|out)put.*' then '-image' else '' end
                || case when words like '% tts %' then '-tts' else '' end
            when words like '%model as a service %'
                then nullif(replace(regexp_extract(
                    words, 'model as a service (.+?) (batch )?(cached )?(input|output)', 1
                ), ' ', '-'), '')
        end as provider_model_name,
        case
            when not is_model_service then 'other'
            when words like '%provisioned throughput%' then 'other'
            when words similar to '.*(caching|cache) storage.*' then 'other'
            when words like '%character%' then 'other'
            when words similar to '.*cache write.*ttl 3600.*' then 'cache_write_1h'
            when words like '%cache write%' then 'cache_write_5m'
            when words similar to '.*(cache read|caching|cached).*' then 'cache_read'
            when words similar to '(.*[ (])?output([ )].*)?' then 'output'
            when words similar to '(.*[ (])?input([ )].*)?' then 'input'
            else 'other'
        end as token_class,
        case
            when not is_model_service then 'on_demand'
            when words like '%provisioned throughput%' then 'provisioned'
            when words similar to '.* priority( .*)?' then 'priority'
            when words similar to '.* flex( .*)?' then 'flex'
            when words similar to '.* batch( .*)?' then 'batch'
            when words like '%offpeak%' then 'other'
            else 'on_demand'
        end as pricing_category,
        case
            when words similar to '.*[( ]long\).*' or words similar to '.*context window size from [1-9].*' then 'long'
            else 'default'
        end as context_band,
        case
            when words similar to '.* global( .*)?' then 'global'
            when words similar to '.* regional( .*)?' or words similar to '.* (us|europe|asia|me|africa|australia) [a-z]+[0-9].*'
                then 'regional'
        end as region_scope,
        words similar to '.*thinking (text )?output.*' as is_thinking
    from billed_skus
),

-- names are unique in the seed: the join changes no row count
named as (
    select
        parsed.*,
        model_names.model
    from parsed
    left join model_names
        on parsed.provider_model_name = model_names.provider_model_name
)

select * from named
