with

logged as (
    select * from {{ ref('int_logged_attributed') }}
),

daily as (
    select
        cast(hour_start as date) as usage_date,
        source,
        provider,
        billing_account_id,
        sub_account_id,
        region_id,
        workload_id,
        model,
        team,
        product,
        environment,
        key_id,
        principal,
        attribution_method,
        cast(sum(input_tokens) as bigint) as input_tokens,
        cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
        cast(sum(cache_write_tokens) as bigint) as cache_write_tokens,
        cast(sum(output_tokens) as bigint) as output_tokens,
        input_is_total,
        cast(sum(request_count) as bigint) as request_count,
        cast(sum(error_count) as bigint) as error_count,
        {{ known_sum('logged_cost_usd') }} as logged_cost_usd
    from logged
    group by
        cast(hour_start as date), source, provider, billing_account_id, sub_account_id, region_id, workload_id,
        model, team, product, environment, key_id, principal, attribution_method, input_is_total
)

select * from daily
