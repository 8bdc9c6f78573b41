with

costs as (
    select * from {{ ref('stg_anthropic__costs') }}
),

usage as (
    select * from {{ ref('stg_anthropic__usage') }}
),

names as (
    select * from {{ ref('int_model_names') }}
),

token_classes as (
    select unnest(['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h']) as token_class
),

-- five rows per row of the usage report's own grain, keys left out
counted as (
    select
        usage.organization_id,
        usage.usage_date,
        usage.workspace_id,
        usage.provider_model_name,
        usage.service_tier,
        usage.context_window,
        token_classes.token_class,
        cast(sum(
            case token_classes.token_class
                when 'input' then usage.input_tokens
                when 'output' then usage.output_tokens
                when 'cache_read' then usage.cache_read_tokens
                when 'cache_write_5m' then usage.cache_write_5m_tokens
                else usage.cache_write_1h_tokens
            end
        ) as bigint) as tokens
    from usage
    cross join token_classes
    group by
        usage.organization_id, usage.usage_date, usage.workspace_id, usage.provider_model_name,
        usage.service_tier, usage.context_window, token_classes.token_class
),

classed as (
    select
        *,
        {{ anthropic_token_class('token_type') }} as token_class
    from costs
),

-- two cost rows of one token class (places, contracts) cannot be told apart in the usage report
priced as (
    select
        *,
        count(*) over (
            partition by
                organization_id, charge_date, workspace_id, provider_model_name, service_tier, context_window,
                token_class
        ) as sharers
    from classed
),

-- counted tokens and names are unique per key: the joins change no row count
charges as (
    select
        priced.charge_date,
        cast(date_trunc('month', priced.charge_date) as date) as billing_month,
        'anthropic' as provider,
        priced.organization_id as billing_account_id,
        -- the report names no workspace for the default one
        coalesce(priced.workspace_id, 'default') as sub_account_id,
        priced.inference_geo as region_id,
        'Anthropic API' as service_name,
        cast(null as varchar) as service_id,
        priced.description as sku,
        priced.cost_type as product_family,
        cast(null as varchar) as resource_id,
        coalesce(priced.workspace_id, 'default') as workload_id,
        cast(null as varchar) as native_team,
        cast(null as varchar) as native_product,
        cast(null as varchar) as native_environment,
        cast(null as varchar) as native_method,
        cast(null as varchar) as native_evidence,
        cast(null as varchar) as carried_tags,
        priced.provider_model_name,
        names.model,
        priced.token_class,
        {{ api_region_class('priced.token_class', 'priced.inference_geo') }} as region_class,
        {{ api_service_tier('priced.service_tier') }} as service_tier,
        {{ api_context_band('priced.token_class', 'priced.context_window') }} as context_band,
        {{ api_pricing_category('priced.service_tier') }} as pricing_category,
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
            and priced.workspace_id is not distinct from counted.workspace_id
            and priced.provider_model_name = counted.provider_model_name
            and priced.service_tier is not distinct from counted.service_tier
            and priced.context_window is not distinct from counted.context_window
            and priced.token_class = counted.token_class
    left join names on {{ plain_model_name('priced.provider_model_name') }} = names.plain_name
)

select * from charges
