{{ config(
    materialized='incremental',
    meta={
        'part': 'usage_date',
        'built_from': {
            'int_aws_counted_days': 'usage_date', 'aws_region_prefixes': 'whole', 'aws_model_names': 'whole',
        },
    },
    **by_part()
) }}

with

counted_days as (
    select * from {{ ref('int_aws_counted_days') }}
    where {{ is_changed_part('usage_date') }}
),

prefixes as (
    select * from {{ ref('aws_region_prefixes') }}
),

classified as (
    select
        counted_days.*,
        coalesce(counted_days.region_code, prefixes.region_id) as region_id,
        {{ aws_is_bedrock('counted_days.billing_entity', 'counted_days.product_code', 'counted_days.product_name') }} as is_bedrock,
        case
            when counted_days.billing_entity = 'AWS Marketplace' then counted_days.product_name
            else {{ aws_billing_name('counted_days.usage_type') }}
        end as billed_model_name,
        case
            when counted_days.billing_entity = 'AWS Marketplace' then 'product_name'
            when contains(counted_days.usage_type, '-mantle-') then 'model_id'
            else 'billing_name'
        end as name_kind,
        {{ aws_token_class('counted_days.usage_type') }} as usage_token_class,
        {{ aws_routing('counted_days.usage_type', 'counted_days.resource_id') }} as routing,
        {{ aws_service_tier('counted_days.usage_type') }} as service_tier,
        regexp_matches(lower(counted_days.usage_type), 'long[-_ ]?(context|ctx)|_lctx') as is_long_context
    from counted_days
    -- a prefix names one region: the join changes no row count
    left join prefixes
        on split_part(counted_days.usage_type, '-', 1) = prefixes.prefix
),

names as (
    select * from {{ ref('aws_model_names') }}
),

-- a name of a kind means one model at most: the join changes no row count
named as (
    select
        classified.* exclude (billed_model_name, name_kind, usage_token_class),
        case when classified.is_bedrock then classified.billed_model_name end as provider_model_name,
        names.model,
        classified.routing = 'global' as is_global,
        case when classified.is_bedrock then classified.usage_token_class else 'other' end as token_class,
        case
            when classified.is_bedrock and classified.usage_token_class <> 'other' then classified.unit_tokens
        end as tokens
    from classified
    left join names
        on
            classified.is_bedrock
            and classified.name_kind = names.name_kind
            and classified.billed_model_name = names.provider_model_name
)

select * from named
