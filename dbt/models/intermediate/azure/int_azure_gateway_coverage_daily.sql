-- a gateway's tokens beside the monitor's: what the monitor has more went past the gateway
with

logged as (
    select
        workload_id,
        cast(hour_start as date) as usage_date,
        -- what the log counts: requests that state no tokens are in the requests alone
        cast(
            sum(coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(output_tokens, 0)) as bigint
        ) as gateway_tokens,
        cast(sum(request_count) as bigint) as gateway_requests
    from {{ ref('int_azure_logged_usage') }}
    where workload_id is not null
    group by workload_id, cast(hour_start as date)
),

metered as (
    select
        workload_id,
        usage_date,
        coalesce(input_tokens, 0) + coalesce(output_tokens, 0) as monitor_tokens,
        coalesce(request_count, 0) as monitor_requests
    from {{ ref('int_azure_usage_daily') }}
),

-- only deployments that a gateway was ever seen in front of
fronted as (
    select
        workload_id,
        min(usage_date) as first_date
    from logged
    group by workload_id
),

compared as (
    select
        coalesce(metered.workload_id, logged.workload_id) as workload_id,
        coalesce(metered.usage_date, logged.usage_date) as usage_date,
        coalesce(logged.gateway_tokens, 0) as gateway_tokens,
        coalesce(metered.monitor_tokens, 0) as monitor_tokens,
        coalesce(logged.gateway_requests, 0) as gateway_requests,
        coalesce(metered.monitor_requests, 0) as monitor_requests
    from metered
    full outer join logged
        on metered.workload_id = logged.workload_id and metered.usage_date = logged.usage_date
)

select
    compared.workload_id,
    compared.usage_date,
    compared.gateway_tokens,
    compared.monitor_tokens,
    greatest(compared.monitor_tokens - compared.gateway_tokens, 0) as bypass_tokens,
    compared.gateway_requests,
    compared.monitor_requests,
    cast(compared.gateway_tokens / nullif(compared.monitor_tokens, 0) as decimal(18, 12)) as coverage_ratio
from compared
inner join fronted
    on compared.workload_id = fronted.workload_id and compared.usage_date >= fronted.first_date
