-- what names a model that the seeds do not know: on the bill, in the meters and in the logs of requests
with

billed as (
    select
        provider,
        'bill' as kind,
        coalesce(provider_model_name, sku) as provider_model_name,
        sku,
        billing_month,
        billing_currency,
        min(charge_date) as first_day,
        max(charge_date) as last_day,
        cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
        {{ known_sum('billed_cost_usd') }} as billed_cost_usd,
        cast(sum(consumed_tokens) as bigint) as tokens
    from {{ ref('int_charges_attributed') }}
    where model is null and (provider_model_name is not null or token_class <> 'other')
    group by provider, coalesce(provider_model_name, sku), sku, billing_month, billing_currency
),

used as (
    select
        provider,
        'meter' as kind,
        provider_model_name,
        usage_date as used_on,
        coalesce(input_tokens, 0) + coalesce(output_tokens, 0) + coalesce(cache_read_tokens, 0)
        + coalesce(cache_write_tokens, 0) as tokens
    from {{ ref('int_usage_daily') }}
    where model is null
    union all
    select
        provider,
        'log' as kind,
        provider_model_name,
        cast(hour_start as date) as used_on,
        coalesce(input_tokens, 0) + coalesce(output_tokens, 0) + coalesce(cache_read_tokens, 0)
        + coalesce(cache_write_tokens, 0) as tokens
    from {{ ref('int_logged_usage') }}
    where model is null
),

metered as (
    select
        provider,
        kind,
        provider_model_name,
        cast(null as varchar) as sku,
        cast(date_trunc('month', used_on) as date) as billing_month,
        cast(null as varchar) as billing_currency,
        min(used_on) as first_day,
        max(used_on) as last_day,
        cast(null as decimal(38, 12)) as billed_cost,
        cast(null as decimal(38, 12)) as billed_cost_usd,
        cast(sum(tokens) as bigint) as tokens
    from used
    group by provider, kind, provider_model_name, date_trunc('month', used_on)
),

unmapped as (
    select * from billed
    union all
    select * from metered
)

select * from unmapped
