{% set columns = "source, provider, account_id, watermark, complete_through, rows, message" %}

with

aws_status as (
    select {{ columns }} from {{ ref('int_aws_source_status') }}
),

gcp_status as (
    select {{ columns }} from {{ ref('int_gcp_source_status') }}
),

azure_status as (
    select {{ columns }} from {{ ref('int_azure_source_status') }}
),

direct_status as (
    select {{ columns }} from {{ ref('int_fx_source_status') }}
    union all
    select {{ columns }} from {{ ref('int_gateway_source_status') }}
    union all
    select {{ columns }} from {{ ref('int_anthropic_source_status') }}
    union all
    select {{ columns }} from {{ ref('int_openai_source_status') }}
),

loads as (
    select * from {{ ref('stg_landing__statuses') }}
),

landed as (
    select * from aws_status
    union all
    select * from gcp_status
    union all
    select * from azure_status
    union all
    select * from direct_status
),

-- an account that was read but landed nothing, and one that landed but was never reported, both keep their row
joined as (
    select
        coalesce(landed.source, loads.source) as source,
        coalesce(
            landed.provider,
            case when loads.source similar to '(aws|gcp|azure)_.*|anthropic|openai' then split_part(loads.source, '_', 1) end
        ) as provider,
        coalesce(landed.account_id, loads.account_id) as account_id,
        cast(coalesce(landed.watermark, loads.watermark) as timestamp) as watermark,
        cast(landed.complete_through as date) as complete_through,
        loads.last_success_at,
        cast(landed.rows as bigint) as rows,
        coalesce(landed.message, loads.message) as message
    from landed
    full outer join loads
        on landed.source = loads.source and landed.account_id is not distinct from loads.account_id
),

judged as (
    select
        source,
        provider,
        account_id,
        watermark,
        complete_through,
        last_success_at,
        rows,
        coalesce(
            coalesce(complete_through, cast(watermark as date), cast(last_success_at as date))
            < cast(timestamp '{{ var("as_of") }}' as date) - {{ var('stale_after_days') }},
            true
        ) as is_stale,
        message
    from joined
)

select * from judged
