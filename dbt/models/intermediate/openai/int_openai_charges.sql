with

costs as (
    select * from {{ ref('stg_openai__costs') }}
),

usage as (
    select * from {{ ref('stg_openai__usage') }}
),

names as (
    select * from {{ ref('int_model_names') }}
),

-- `gpt-4o-mini-2024-07-18, cached input`: model, then what is counted; other items name a service
itemised as (
    select
        *,
        case
            when regexp_matches(line_item, '^[^,]+, .*(input|output)')
                then trim(split_part(line_item, ',', 1))
        end as provider_model_name,
        case
            when regexp_matches(lower(line_item), '^[^,]+, .*cached? (text )?input') then 'cache_read'
            when regexp_matches(lower(line_item), '^[^,]+, (batch )?(text )?input$') then 'input'
            when regexp_matches(lower(line_item), '^[^,]+, (batch )?(text )?output$') then 'output'
            else 'other'
        end as token_class,
        lower(coalesce(line_item, '')) like '%batch%' as is_batch
    from costs
),

token_classes as (
    select unnest(['input', 'cache_read', 'output']) as token_class
),

counted as (
    select
        usage.organization_id,
        usage.usage_date,
        usage.project_id,
        usage.provider_model_name,
        usage.is_batch,
        token_classes.token_class,
        cast(sum(
            case token_classes.token_class
                when 'input' then usage.input_tokens
                when 'cache_read' then usage.cache_read_tokens
                else usage.output_tokens
            end
        ) as bigint) as tokens
    from usage
    cross join token_classes
    group by
        usage.organization_id, usage.usage_date, usage.project_id, usage.provider_model_name, usage.is_batch,
        token_classes.token_class
),

priced as (
    select
        *,
        count(*) over (
            partition by
                organization_id, charge_date, project_id, provider_model_name, token_class, is_batch
        ) as sharers
    from itemised
),

-- counted tokens and names are unique per key: the joins change no row count
charges as (
    select
        priced.charge_date,
        cast(date_trunc('month', priced.charge_date) as date) as billing_month,
        'openai' as provider,
        priced.organization_id as billing_account_id,
        priced.project_id as sub_account_id,
        cast(null as varchar) as region_id,
        'OpenAI API' as service_name,
        cast(null as varchar) as service_id,
        priced.line_item as sku,
        cast(null as varchar) as product_family,
        cast(null as varchar) as resource_id,
        priced.project_id as workload_id,
        cast(null as varchar) as native_team,
        cast(null as varchar) as native_product,
        cast(null as varchar) as native_environment,
        cast(null as varchar) as native_method,
        cast(null as varchar) as native_evidence,
        cast(null as varchar) as carried_tags,
        priced.provider_model_name,
        names.model,
        priced.token_class,
        {{ api_region_class('priced.token_class', 'null') }} as region_class,
        case when priced.is_batch then 'batch' else 'standard' end as service_tier,
        {{ api_context_band('priced.token_class', 'null') }} as context_band,
        case when priced.is_batch then 'batch' else 'on_demand' end as pricing_category,
        case when priced.cost < 0 then 'Credit' else 'Usage' end as charge_category,
        'provisional' as cost_status,
        priced.billing_currency,
        case when priced.billing_currency = 'USD' then cast(1 as decimal(18, 12)) end as usd_per_currency,
        priced.cost as billed_cost,
        priced.cost as effective_cost,
        cast(null as decimal(38, 12)) as list_cost,
        case when priced.sharers = 1 then counted.tokens end as consumed_tokens,
        {{ api_billing_details('priced', 'counted') }}
    from priced
    left join counted
        on
            priced.organization_id = counted.organization_id
            and priced.charge_date = counted.usage_date
            and priced.project_id is not distinct from counted.project_id
            and priced.provider_model_name = counted.provider_model_name
            and priced.token_class = counted.token_class
            and priced.is_batch = counted.is_batch
    left join names on {{ plain_model_name('priced.provider_model_name') }} = names.plain_name
)

select * from charges
