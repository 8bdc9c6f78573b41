-- metered tokens that the filters leave
select
    usage_date,
    provider,
    coalesce(team, 'unallocated') as team,
    product,
    model,
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cache_write_tokens,
    request_count,
    input_is_total,
    cache_read_tokens is not null and not coalesce(input_is_total, false) as cache_is_known
from fct_tokens_daily
where
    ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
    and ($teams::varchar[] is null or list_contains($teams::varchar[], coalesce(team, 'unallocated')))
    and (
        $environments::varchar[] is null
        or list_contains($environments::varchar[], coalesce(environment, 'unknown'))
    )
