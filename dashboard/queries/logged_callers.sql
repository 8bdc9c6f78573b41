-- who called through a gateway or was seen in a request log, per source: one request may stand in several logs
select
    source,
    coalesce(key_id, principal, 'unknown') as caller,
    team,
    count(distinct model) as models,
    sum(request_count)::bigint as requests,
    sum(error_count)::bigint as errors,
    sum(coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0))::bigint
        as prompt_tokens,
    sum(output_tokens)::bigint as output_tokens,
    case when count(*) = count(logged_cost_usd) then sum(logged_cost_usd) end as logged_cost
from fct_logged_usage_daily
where
    usage_date >= $start_day
    and usage_date < $end_day
    and ($providers::varchar[] is null or list_contains($providers::varchar[], provider))
    and ($teams::varchar[] is null or list_contains($teams::varchar[], team))
    and (
        $environments::varchar[] is null
        or list_contains($environments::varchar[], coalesce(environment, 'unknown'))
    )
group by source, coalesce(key_id, principal, 'unknown'), team
order by prompt_tokens desc nulls last, source asc, caller asc, team asc
